import { resolve } from "node:path";
import * as z from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { parsePathInfos, type PathInfo } from "../../nix/path-info.ts";
import { differencesOf } from "../../trust/warrant/differences.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { queryClosure } from "../../trust/warrant/local-store.ts";
import { unwarranted, type WarrantRefusal } from "../../trust/warrant/refusal.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import { op, type Context } from "../op.ts";
import { oneLine } from "../one-line.ts";
import { judgeWarrant } from "./judge.ts";
import { localStore, storeDirectory } from "./nix-store.ts";
import {
  signatureSchema,
  signatureText,
  subjectText,
  verdictView,
  warrantSchema,
  warrantView,
} from "./view.ts";

const largestClosure = 256 << 20;
const shownDifferences = 20;

const input = z.object({
  file: z.string().describe("the warrant").meta({ value: "FILE" }),
  after: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("the last warrant that the host accepted (default: the one before in warrants/)"),
  state: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("what the host accepted, as its gate keeps it"),
  closure: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("compare with this output of nix path-info --json --recursive"),
  store: z
    .string()
    .optional()
    .meta({ value: "STORE" })
    .describe("compare with this store; auto is this machine's"),
});

export const warrantVerify = op({
  effect: "read",
  input,
  positional: ["file"],
  output: z.object({
    accepted: z.boolean(),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    warrant: warrantSchema,
    hosts: z.array(z.string()).describe("for which it was decided"),
    threshold: z.number().describe("how many members must sign"),
    principals: z.array(z.string()).describe("the members who count"),
    signatures: z.array(signatureSchema),
    skipped: z.number().describe("warrants before this one that the host has not accepted"),
    differences: z
      .array(z.object({ path: z.string(), field: z.string(), signed: z.string(), found: z.string() }))
      .nullable()
      .describe("null where nothing was compared"),
  }),
  examples: [
    {
      command: "nixseal warrant verify warrants/lufta/0042.json",
      says: "exit 0 accepted, 4 refused with the reason",
    },
    {
      command: "nixseal warrant verify warrants/lufta/0042.json --store /mnt",
      says: "also compares every path with what the store under /mnt says of it",
    },
  ],
  run: async (context, given) => {
    if (given.closure !== undefined && given.store !== undefined)
      throw new NixsealError("usage", "--closure and --store exclude each other");
    const path = resolve(context.workingDirectory, given.file);
    const envelope = await readWarrant(context.files, path, given.file);
    const { decision, hosts } = await judgeWarrant(context, envelope, given);
    const found = await foundClosure(context, envelope, given);
    const differences = found === null ? null : differencesOf(envelope.warrant.paths, found);
    const verdict: { accepted: true } | WarrantRefusal =
      decision.accepted && differences !== null && differences.length > 0
        ? unwarranted("closure", `the store differs from the warrant in ${differences.length} places`)
        : decision;
    const { threshold, signatures } = decision;
    return {
      accepted: verdict.accepted,
      code: verdict.accepted ? null : verdict.code,
      reason: verdict.accepted ? null : verdict.reason,
      warrant: warrantView(envelope),
      hosts,
      threshold,
      principals: signatures.flatMap((one) => (one.accepted ? [one.principal] : [])),
      signatures: signatures.map(verdictView),
      skipped: decision.accepted ? decision.skipped : 0,
      differences,
    };
  },
  text: (output, paint) => {
    const { accepted, code, reason, warrant, hosts, principals, differences, skipped } = output;
    const what = `warrant ${warrant.seq} for ${subjectText(warrant)}`;
    const head = accepted
      ? `${paint.good("accepted")}: ${what}, signed by ${principals.join(", ")}, until ${warrant.expires}`
      : `${paint.bad("refused")}: ${oneLine(reason ?? "")} [${code}]`;
    const shown = (differences ?? []).slice(0, shownDifferences);
    const more = (differences?.length ?? 0) - shown.length;
    return [
      head,
      ...(warrant.host === null ? [`  hosts: ${hosts.join(", ")}`] : []),
      ...(skipped > 0 ? [`  ${skipped} before it were not accepted by the host`] : []),
      ...output.signatures.map((one) => `  ${oneLine(signatureText(one, paint))}`),
      ...(differences?.length === 0 ? [`  the store holds exactly its ${warrant.paths} paths`] : []),
      ...shown.map(({ path, field, signed, found }) => `  ${path}: ${differenceText(field, signed, found)}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join("\n");
  },
  exit: ({ accepted }) => (accepted ? exitCodes.done : exitCodes.refused),
});

async function foundClosure(
  context: Context,
  { warrant }: WarrantEnvelope,
  { closure, store }: z.output<typeof input>,
): Promise<PathInfo[] | null> {
  if (store !== undefined)
    return queryClosure(context.processes, localStore(context, store), warrant.toplevel);
  if (closure === undefined) return null;
  const bytes = await context.files.read(resolve(context.workingDirectory, closure), {
    limit: largestClosure,
  });
  try {
    return parsePathInfos(utf8Text(bytes, "the closure"), storeDirectory(context));
  } catch (error) {
    throw at(error, { file: closure });
  }
}

function differenceText(field: string, signed: string, found: string): string {
  if (field === "missing") return "is not there";
  if (field === "extra") return "is there and was not signed";
  return `${field} is ${found === "" ? "empty" : found}, signed was ${signed === "" ? "none" : signed}`;
}
