import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { resolveRange } from "../../trust/commits/range.ts";
import { openRepository } from "../../trust/commits/repository.ts";
import { verifyBySigners } from "../../trust/commits/verify-by-signers.ts";
import { op } from "../op.ts";
import { parseSigners, readRevocationFile, signerSource } from "./inputs.ts";
import { annotationText, reportSchema, reportText } from "./report.ts";

export const verify = op({
  effect: "read",
  input: z.object({
    range: z.array(z.string()).default([]).describe("as for git rev-list (default: HEAD, its whole history)"),
    signers: z
      .string()
      .optional()
      .describe("who may sign: allowed_signers, OpenPGP keys")
      .meta({ value: "FILE" }),
    revocations: z.string().optional().describe("a KRL, or public keys").meta({ short: "r", value: "KRL" }),
    annotations: z.enum(["github", "forgejo"]).optional().describe("mark refused commits in a CI run"),
  }),
  positional: ["range"],
  output: reportSchema,
  examples: [
    { command: "nixseal commits verify origin/main..HEAD --signers allowed_signers", says: "before a merge" },
  ],
  run: async (context, input) => {
    if (context.json && input.annotations !== undefined) {
      throw new NixsealError("usage", "--annotations and --json both want stdout", { hint: "run it twice" });
    }
    const repository = await openRepository(
      context.processes,
      context.files,
      context.fleet ?? context.workingDirectory,
    );
    const range = await resolveRange(repository, input.range.length === 0 ? ["HEAD"] : input.range);
    const krl =
      input.revocations === undefined ? undefined : await readRevocationFile(context, input.revocations);
    const source = await signerSource(context, input.signers);
    const signers = await parseSigners(source, krl?.revocations);
    const known = { count: () => null, accepted: () => [], remember: async () => undefined };
    const question = { repository, range, signers, now: context.clock.now(), known };
    const { accepted, refused } = await verifyBySigners(question, context.files, context.emit);
    return {
      accepted,
      refused: refused.map(({ commit, code, reason }) => ({ commit, code, reason })),
      ...(input.annotations === undefined ? {} : { annotations: input.annotations }),
    };
  },
  text: (output, paint) => `${annotationText(output)}${reportText(output, paint)}`,
  exit: ({ refused }) => (refused.length === 0 ? exitCodes.done : exitCodes.refused),
});
