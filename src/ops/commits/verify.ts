import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { openRange } from "../../trust/commits/range.ts";
import { op } from "../op.ts";
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

export type Input = z.output<typeof inputSchema>;

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
    // Git is at work while the verifier is loaded.
    const opening = openRange(context.processes, context.files, directory, revisions);
    const [{ judge }, { repository, range }] = await Promise.all([import("./judge.ts"), opening]);
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
