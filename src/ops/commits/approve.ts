import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { armorSshSig, type SshSig } from "../../ssh/sshsig.ts";
import { approvalNamespace, approvers, readNote, statementText } from "../../trust/commits/approvals.ts";
import { agreed, castVote, type Ballot } from "../../trust/commits/ballot.ts";
import { decideSshSigner } from "../../trust/commits/decide-ssh-signer.ts";
import type { Repository } from "../../trust/commits/repository.ts";
import { openRepository } from "../../trust/commits/repository.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { utf8 } from "../../core/bytes.ts";
import { op, type Context } from "../op.ts";
import { oneLine } from "../one-line.ts";
import { findKey } from "../trust/key-file.ts";
import { openBallot } from "./open-ballot.ts";
import { ownCertificate } from "./own-certificate.ts";

export const approve = op({
  effect: "write",
  input: z.object({
    commit: z
      .string()
      .describe("what is approved: a change of trust/policy.toml, or where a branch goes back to"),
    introduction: z
      .string()
      .optional()
      .describe("the commit that the history is judged from (else NIXSEAL_INTRODUCTION)")
      .meta({ value: "COMMIT" }),
    goBackFrom: z
      .string()
      .optional()
      .describe("approve that the branch leaves this commit, which was accepted last")
      .meta({ value: "COMMIT" }),
    signers: z
      .string()
      .optional()
      .describe("with --go-back-from and no introduction: who may approve")
      .meta({ value: "FILE" }),
    root: z.string().optional().describe("as for commits verify").meta({ value: "FILE" }),
    key: z
      .string()
      .optional()
      .describe("your key; for one in an agent or a token its .pub file (default: one in ~/.ssh)")
      .meta({ value: "FILE" }),
    certificate: z
      .string()
      .optional()
      .describe("your member certificate, where that speaks for you (default: beside the key)")
      .meta({ value: "FILE" }),
    yes: z.boolean().default(false).describe("approve without being asked"),
  }),
  positional: ["commit"],
  output: z.object({
    commit: z.string(),
    action: z.enum(["change-policy", "go-back"]),
    principal: z.string(),
    key: z.string(),
    agreed: z.array(z.string()).describe("members, with the one who signed the commit"),
    threshold: z.number(),
    complete: z.boolean(),
  }),
  examples: [
    {
      command: "nixseal commits approve main --introduction 8f3c…",
      says: "shows what the commit changes in the policy, then asks",
    },
    {
      command: "nixseal commits approve main --introduction 8f3c… --go-back-from 51ab…",
      says: "that main may go back from 51ab… to where it is now",
    },
  ],
  run: async (context, given) => {
    const directory = context.fleet ?? context.workingDirectory;
    const repository = await openRepository(context.processes, context.files, directory);
    const ballot = await openBallot(context, repository, given);
    const { principal, key, signature } = await sign(context, repository, ballot, given);
    const note = await castVote(repository, ballot, { armored: armorSshSig(signature), principal });
    // The one with the most to go, where a merge changes several policies.
    const counts = agreed(ballot, note, context.clock.now()).map((names, index) => {
      const { threshold } = ballot.authorities[index]!;
      return { names: [...names].sort(), threshold, missing: threshold - names.size };
    });
    const last = counts.sort((a, b) => b.missing - a.missing)[0]!;
    return {
      commit: ballot.commit,
      action: ballot.statement.action,
      principal,
      key,
      agreed: last.names,
      threshold: last.threshold,
      complete: last.missing <= 0,
    };
  },
  text: ({ commit, principal, agreed: names, threshold, complete }, paint) =>
    `${paint.good("approved")} ${commit.slice(0, 12)} as ${principal}: ${names.length} of ${threshold} (${names.join(", ")})

Next: git push origin refs/notes/nixseal-approvals${complete ? "" : "; then another member runs 'nixseal commits approve'"}`,
});

interface Signature {
  readonly principal: string;
  readonly key: string;
  readonly signature: SshSig;
}

/** By a key that one of the authorities knows, or by a certificate that it takes; what would not count is not written. */
async function sign(
  context: Context,
  repository: Repository,
  ballot: Ballot,
  given: {
    readonly key?: string | undefined;
    readonly certificate?: string | undefined;
    readonly yes: boolean;
  },
): Promise<Signature> {
  const { statement, authorities, says } = ballot;
  const [authority] = authorities;
  const { signers } = authority!;
  const certificate = await ownCertificate(context, given);
  const own = signers.ssh.flatMap(({ certAuthority, key }) => (certAuthority ? [] : [key]));
  const wanted = certificate === null ? own : [...own, certificate.key];
  const { file, key } = await findKey(context, given.key, wanted, "key of a member who may approve");
  const message = statementText(statement);
  // Whoever signs answers for what it says; a script that signs blindly has to say so.
  const question = `${says.map(oneLine).join("\n")}\nApprove ${message}?`;
  if (!given.yes && !(await context.person.askYesNo(question)))
    throw new NixsealError("cancelled", "not approved");

  const bytes = utf8(message);
  const bare = await signWithKeygen(context, bytes, approvalNamespace, file);
  const speaks = own.some(({ fingerprint }) => fingerprint === key.fingerprint);
  // SSHSIG does not cover the key blob, so that the certificate can speak for the key that signed.
  const signature = speaks || certificate === null ? bare : { ...bare, signer: certificate };
  const now = context.clock.now();
  const decision = decideSshSigner(bytes, signature, approvalNamespace, signers, ["policy"], now);
  if (!decision.accepted)
    throw new NixsealError("refused", `the approval would not count: ${decision.reason} [${decision.code}]`);
  const { principal } = decision;
  const before = approvers(statement, await readNote(repository, ballot.commit), signers, now);
  if (before.has(principal) || principal === ballot.author?.principal)
    throw new NixsealError("conflict", `${principal} agrees already`, {
      hint: "another member must approve; a member counts once, with however many keys",
    });
  return { principal, key: key.fingerprint, signature };
}
