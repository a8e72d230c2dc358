import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { flagOp } from "../flag-op.ts";
import type { Input } from "./judge.ts";
import { judgeRange } from "./judge-range.ts";
import { annotationText, reportText, type Annotations, type ReportOutput } from "./report.ts";

interface VerifyInput extends Input {
  readonly annotations?: Annotations;
}

export const verify = flagOp<VerifyInput, ReportOutput>({
  effect: "read",
  flags: {
    range: {
      type: "string",
      many: true,
      default: [],
      description: "as for git rev-list (default: HEAD, its whole history)",
    },
    signers: {
      type: "string",
      value: "FILE",
      description: "who may sign: allowed_signers, OpenPGP keys",
    },
    revocations: { type: "string", short: "r", value: "KRL", description: "a KRL, or public keys" },
    introduction: {
      type: "string",
      value: "COMMIT",
      description: "judge by trust/policy.toml, beginning behind this commit",
    },
    root: {
      type: "string",
      value: "FILE",
      description: "members of this root count too, by certificates; later versions come from the history",
    },
    remember: {
      type: "boolean",
      default: false,
      description: "a branch may only move forward from what was accepted last (always with a policy)",
    },
    fresh: {
      type: "boolean",
      default: false,
      description: "judge every commit again, whatever was accepted before",
    },
    annotations: {
      type: "string",
      choices: ["github", "forgejo"],
      description: "mark refused commits in a CI run",
    },
  },
  positional: ["range"],
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
    const { report, remember } = await judgeRange(context, input, directory);
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
