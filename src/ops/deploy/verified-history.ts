import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { judgeRange } from "../commits/judge-range.ts";
import type { Context } from "../op.ts";
import { gitSource } from "../warrant/git-source.ts";

export const historyFlags = {
  signers: z
    .string()
    .optional()
    .meta({ value: "FILE" })
    .describe("who may have signed the commits (default: TRUSTED_SIGNERS)"),
  introduction: z
    .string()
    .optional()
    .meta({ value: "COMMIT" })
    .describe(
      "judge the commits by trust/policy.toml, beginning behind this one (default: NIXSEAL_INTRODUCTION)",
    ),
};

/** More are not listed: the verb for it lists all. */
const mostListed = 5;

/**
 * What is built and signed here comes from the checked out commit: every commit behind it is judged first, as by `commits
 * verify`. `refused` when one is not accepted. Where nobody has said who may sign, that is said and the deployment
 * goes on: hosts do not depend on this, they ask for signatures on what they activate.
 */
export async function verifyHistory(
  context: Context,
  directory: string,
  given: { readonly signers?: string | undefined; readonly introduction?: string | undefined },
): Promise<void> {
  const { environment, emit } = context;
  const says = [
    given.signers,
    given.introduction,
    environment.get("TRUSTED_SIGNERS"),
    environment.get("NIXSEAL_INTRODUCTION"),
  ];
  if (says.every((one) => one === undefined)) {
    emit({
      type: "warning",
      message: "the commits are not verified: nobody has said who may sign them",
      hint: "--signers, --introduction, TRUSTED_SIGNERS or NIXSEAL_INTRODUCTION; see 'nixseal commits verify --help'",
    });
    return;
  }
  const input = { range: ["HEAD"], remember: false, fresh: false, ...given };
  const { report, remember } = await judgeRange(context, input, directory);
  const { accepted, refused } = report;
  if (refused.length > 0) {
    const listed = refused
      .slice(0, mostListed)
      .map(({ commit, reason }) => `${commit.slice(0, 12)} ${reason}`);
    throw new NixsealError(
      "refused",
      [`${refused.length} of ${accepted + refused.length} commits are not accepted`, ...listed].join("\n"),
      { hint: "nixseal commits verify says more" },
    );
  }
  // Which fleet it is does not matter here: what counts is that the tree is the commit's.
  if ((await gitSource(context, directory, "fleet")) === null)
    throw new NixsealError("refused", "there are changes that nobody has signed", {
      hint: "commit them, or put them aside with git stash",
    });
  await remember();
  emit({ type: "step", message: `${accepted} commits verified` });
}
