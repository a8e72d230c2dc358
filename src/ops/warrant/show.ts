import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { compareClosures, type ClosureChange } from "../../trust/warrant/changes.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { judgeSignatures } from "../../trust/warrant/signatures.ts";
import { keptWarrants, readKept, readWarrant, warrantFile } from "../../trust/warrant/store.ts";
import { findFleet, openFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { openTrustIfAny } from "../trust/open.ts";
import { describeWarrant, type Since } from "./describe.ts";
import { hostsOf } from "./hosts.ts";
import {
  claimedSignatures,
  signatureSchema,
  verdictView,
  warrantSchema,
  warrantView,
  type SignatureView,
} from "./view.ts";

const changeSchema = z.array(
  z.object({
    name: z.string(),
    before: z.array(z.string()).readonly(),
    after: z.array(z.string()).readonly(),
    bytes: z.number(),
  }),
);

export const warrantShow = op({
  effect: "read",
  input: z.object({
    file: z.string().describe("the warrant").meta({ value: "FILE" }),
    since: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("the warrant to compare with (default: the newest before it in warrants/)"),
  }),
  positional: ["file"],
  output: z.object({
    warrant: warrantSchema,
    state: z.enum(["not yet valid", "valid", "expired"]),
    signatures: z.array(signatureSchema),
    since: z
      .object({
        file: z.string(),
        seq: z.number(),
        added: changeSchema.readonly(),
        removed: changeSchema.readonly(),
        changed: changeSchema.readonly(),
        rebuilt: changeSchema.readonly(),
        altered: z.array(z.string()).readonly().describe("same path, other content"),
        bytes: z.number(),
      })
      .nullable(),
  }),
  examples: [
    {
      command: "nixseal warrant show warrants/lufta/0042.json",
      says: "what it orders and what that changes",
    },
  ],
  run: async (context, { file, since }) => {
    const envelope = await readWarrant(context.files, resolve(context.workingDirectory, file), file);
    const { notBefore, expires } = envelope.warrant;
    const now = context.clock.now();
    return {
      warrant: warrantView(envelope),
      state:
        now < notBefore
          ? ("not yet valid" as const)
          : now < expires
            ? ("valid" as const)
            : ("expired" as const),
      signatures: await signaturesOf(context, envelope),
      since: await changesOf(context, envelope, since),
    };
  },
  text: ({ warrant, state, signatures, since }, paint) =>
    describeWarrant(warrant, state, signatures, since, paint),
});

/** Against the newest kept before it, or what was named; null when there is none. */
export async function changesOf(
  context: Context,
  { warrant }: WarrantEnvelope,
  since: string | undefined,
): Promise<Since | null> {
  const { files, workingDirectory } = context;
  const against = (before: WarrantEnvelope, file: string): Since => {
    const change: ClosureChange = compareClosures(before.warrant.paths, warrant.paths);
    return { file, seq: before.warrant.seq, ...change };
  };
  if (since !== undefined)
    return against(await readWarrant(files, resolve(workingDirectory, since), since), since);
  const directory = await fleetDirectory(context);
  if (directory === null) return null;
  const kept = await keptWarrants(files, directory, warrant.subject);
  const seq = kept.findLast((number) => number < warrant.seq);
  if (seq === undefined) return null;
  return against(await readKept(files, directory, warrant.subject, seq), warrantFile(warrant.subject, seq));
}

/** Judged where a root is; the first host of a group stands for the others. */
async function signaturesOf(context: Context, envelope: WarrantEnvelope): Promise<SignatureView[]> {
  if ((await fleetDirectory(context)) === null) return claimedSignatures(envelope);
  const { directory, fleet } = await openFleet(context);
  const trust = await openTrustIfAny(context, directory);
  if (trust === null) return claimedSignatures(envelope);
  const { root, krl, now } = trust;
  const [host] = hostsOf(fleet, root, envelope.warrant.subject);
  if (host === undefined) return claimedSignatures(envelope);
  return judgeSignatures(envelope, host, { root, revocations: krl, now }).map(verdictView);
}

async function fleetDirectory(context: Context): Promise<string | null> {
  try {
    return await findFleet(context);
  } catch (error) {
    // A warrant can be looked at anywhere; with --fleet the person means one.
    if (!(error instanceof NixsealError) || error.code !== "not-found" || context.fleet !== undefined)
      throw error;
    return null;
  }
}
