import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import {
  refuseDowngrades,
  requireCurrentRevocations,
  type GoBackAuthority,
} from "../../trust/commits/descent.ts";
import { Frontier } from "../../trust/commits/frontier.ts";
import { Memory } from "../../trust/commits/memory.ts";
import type { ObjectId } from "../../trust/commits/object-id.ts";
import { openRange, type Range } from "../../trust/commits/range.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import { StateDirectory } from "../../trust/state-directory.ts";
import { goBackAuthority, verifyByPolicy } from "../../trust/commits/verify-by-policy.ts";
import { nobody, withMembersOf } from "../../trust/commits/signers.ts";
import {
  verifyBySigners,
  type FrontierSource,
  type Report,
  type RootSource,
} from "../../trust/commits/verify-by-signers.ts";
import { op, type Context } from "../op.ts";
import { pinnedRoot, rootSource } from "./root-source.ts";
import { parseSigners, pinnedIntroduction, readRevocationFile, signerSource } from "./inputs.ts";
import { annotationText, reportSchema, reportText } from "./report.ts";

const inputSchema = z.object({
  range: z.array(z.string()).default([]).describe("as for git rev-list (default: HEAD, its whole history)"),
  signers: z
    .string()
    .optional()
    .describe("who may sign: allowed_signers, OpenPGP keys")
    .meta({ value: "FILE" }),
  revocations: z.string().optional().describe("a KRL, or public keys").meta({ short: "r", value: "KRL" }),
  introduction: z
    .string()
    .optional()
    .describe("judge by trust/policy.toml, beginning behind this commit")
    .meta({ value: "COMMIT" }),
  root: z
    .string()
    .optional()
    .describe("members of this root count too, by certificates; later versions come from the history")
    .meta({ value: "FILE" }),
  remember: z
    .boolean()
    .default(false)
    .describe("a branch may only move forward from what was accepted last (always with a policy)"),
  fresh: z.boolean().default(false).describe("judge every commit again, whatever was accepted before"),
  annotations: z.enum(["github", "forgejo"]).optional().describe("mark refused commits in a CI run"),
});

type Input = z.output<typeof inputSchema>;

export const verify = op({
  effect: "read",
  input: inputSchema,
  positional: ["range"],
  output: reportSchema,
  examples: [
    {
      command: "nixseal commits verify origin/main..HEAD --signers allowed_signers",
      says: "every commit of a branch, by a list that you keep",
    },
    {
      command: "nixseal commits verify main --introduction 8f3c…",
      says: "the whole history, by the policy in it",
    },
  ],
  run: async (context, input) => {
    if (context.json && input.annotations !== undefined) {
      throw new NixsealError("usage", "--annotations and --json both want stdout", { hint: "run it twice" });
    }
    const directory = context.fleet ?? context.workingDirectory;
    const revisions = input.range.length === 0 ? ["HEAD"] : input.range;
    const { repository, range } = await openRange(context.processes, context.files, directory, revisions);
    const { report, remember } = await judge(context, input, repository, range);
    if (report.refused.length === 0) await remember();
    return {
      accepted: report.accepted,
      refused: report.refused.map(({ commit, code, reason }) => ({ commit, code, reason })),
      ...(input.annotations === undefined ? {} : { annotations: input.annotations }),
    };
  },
  text: (output, paint) => `${annotationText(output)}${reportText(output, paint)}`,
  exit: ({ refused }) => (refused.length === 0 ? exitCodes.done : exitCodes.refused),
});

async function judge(
  context: Context,
  input: Input,
  repository: Repository,
  range: Range,
): Promise<{ report: Report; remember: () => Promise<void> }> {
  const introduction = pinnedIntroduction(context, input, repository);
  const krl =
    input.revocations === undefined ? undefined : await readRevocationFile(context, input.revocations);
  const revocations = krl?.revocations;
  const state = await StateDirectory.open(context.files, context.environment);
  const history = introduction ?? repository.commonDirectory;
  const memory = openMemory(state, input, history, introduction !== null, context.emit);
  const before = (await memory?.read()) ?? { tips: new Map(), time: 0, krl: null };
  requireCurrentRevocations(revocations, before);
  // A clock that was set back does not bring expired keys back.
  const now = new Date(Math.max(context.clock.now().getTime(), before.time));
  const file = input.root === undefined ? null : await pinnedRoot(context, input.root);
  const root = rootSource(context, { repository, file, introduction, state });
  const pinned = file === null ? {} : { root: digest(file.payload) };
  const frontier =
    (basis: Readonly<Record<string, Json>>): FrontierSource =>
    (listed) => {
      const lists = {
        krl: digest(krl?.content),
        ...(listed === null ? {} : { listed }),
      };
      return Frontier.open(input.fresh ? null : state, { ...basis, ...pinned, ...lists }, context.emit);
    };

  let report: Report;
  let authority: (from: ObjectId) => Promise<GoBackAuthority | null>;
  if (introduction === null) {
    const source = await signerSource(context, input.signers, file !== null);
    const signers = source === null ? { ...nobody, revocations } : await parseSigners(source, revocations);
    const known = frontier({ signers: digest(source?.content) });
    let all = signers;
    const own: RootSource | null =
      file === null
        ? null
        : async (...asked) => {
            const found = await root(...asked);
            all = withMembersOf(found, signers);
            return found;
          };
    const question = { repository, range, signers, root: own, now, known, remembers: memory !== null };
    report = await verifyBySigners(question, context.files, context.emit);
    authority = async () => ({ signers: all, threshold: 1 });
  } else {
    const known = frontier({ introduction });
    const question = { repository, range, introduction, revocations, root, now, known };
    report = await verifyByPolicy(question, context.files, context.emit);
    authority = (from) => goBackAuthority(question, from);
  }
  const back = await refuseDowngrades(repository, report.tips, before, authority, now, context.emit);
  return {
    report: { ...report, refused: [...report.refused, ...back] },
    remember: async () => {
      const tips = new Map(report.tips.map(({ name, commit }) => [name, commit]));
      const time = Math.max(now.getTime(), report.latest);
      await memory?.remember({ tips, time, krl: revocations?.version ?? null });
    },
  };
}

function openMemory(
  state: StateDirectory | null,
  { remember }: Input,
  history: string,
  always: boolean,
  emit: Context["emit"],
): Memory | null {
  if (!remember && !always) return null;
  if (state !== null) return new Memory(state, history);
  // A service without a home: not a refusal, since what it is given may always be a fresh clone. But never silent.
  if (!remember) {
    emit({
      type: "warning",
      message: "there is no place to remember accepted commits in, so an older history would not be noticed",
      hint: "set HOME or XDG_STATE_HOME",
    });
    return null;
  }
  throw new NixsealError("refused", "there is no place to remember accepted commits in", {
    hint: "set HOME or XDG_STATE_HOME",
  });
}

function digest(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : createHash("sha256").update(bytes).digest("hex");
}
