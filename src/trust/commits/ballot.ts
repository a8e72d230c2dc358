/** What members are asked to approve, and how far they are. */
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { approvers, notesReference, readNote, type Note, type Statement } from "./approvals.ts";
import { decideSignature } from "./decide-signature.ts";
import type { GoBackAuthority } from "./descent.ts";
import { gitFailed } from "./git.ts";
import { parseObject } from "./history.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectReader } from "./object-reader.ts";
import { describePolicyChange } from "./policy-change.ts";
import type { FoundPolicy, PolicyReader } from "./policy-reader.ts";
import { policyPath, type Policy } from "./policy.ts";
import type { Repository } from "./repository.ts";
import type { Commit } from "./signed-object.ts";

export interface Ballot {
  readonly statement: Statement;
  /** The commit whose note the approvals are in. */
  readonly commit: ObjectId;
  /** Who may agree, and how many must; of a merge that changes several policies each. */
  readonly authorities: readonly GoBackAuthority[];
  /** Who agrees by having signed the commit, and with which key. */
  readonly author: { readonly principal: string; readonly key: string } | null;
  /** For the person who is asked. */
  readonly says: readonly string[];
}

/** The ballot about a commit's change of the policy. `refused` for a commit that none is needed for, or that none helps. */
export async function policyBallot(
  repository: Repository,
  reader: ObjectReader,
  policies: PolicyReader,
  { id, introduction, now }: { readonly id: ObjectId; readonly introduction: ObjectId; readonly now: Date },
): Promise<Ballot> {
  const commit = await commitOf(repository, reader, id);
  const after = await policies.of(commit.tree);
  if ("fault" in after) throw helpless("leaves no policy that can be read, which no approval makes good");
  const changed: Policy[] = [];
  for (const parent of commit.parents) {
    const before: FoundPolicy = await policies.of((await commitOf(repository, reader, parent)).tree);
    if ("fault" in before) throw helpless("has a parent without a policy");
    if (before.blob !== after.blob) changed.push(before.policy);
  }
  const [first] = changed;
  if (first === undefined) throw helpless(`does not change ${policyPath}, and only that needs approvals`);
  const signer = await decideSignature(commit, repository.format, first.signers, now);
  const mayAgree = signer.accepted && first.members.get(signer.principal)?.rights.has("policy") === true;
  const author = mayAgree ? { principal: signer.principal, key: signer.key } : null;
  return {
    statement: { action: "change-policy", commit: id, introduction },
    commit: id,
    authorities: changed.map(holdersOf),
    author,
    says: changed.flatMap((before) => describePolicyChange(before, after.policy)),
  };
}

/** Members who may change the policy, and as many of them as that takes. */
export function holdersOf({ members, signers, threshold }: Policy): GoBackAuthority {
  const ssh = signers.ssh.filter(({ principals }) => members.get(principals)?.rights.has("policy"));
  return { signers: { ...signers, ssh }, threshold };
}

/** Who agrees so far, by the notes: of those who may, for each authority. */
export function agreed(
  { statement, authorities, author }: Ballot,
  note: Note,
  now: Date,
): ReadonlySet<string>[] {
  return authorities.map(({ signers }) => {
    const names = new Set(approvers(statement, note, signers, now, author?.key));
    if (author !== null) names.add(author.principal);
    return names;
  });
}

/** What `ssh-keygen -Y sign` and `git notes append` do by hand. `conflict` when somebody else wrote at the same time. */
export async function castVote(
  repository: Repository,
  { commit }: Ballot,
  { armored, principal }: { readonly armored: string; readonly principal: string },
): Promise<Note> {
  const { git } = repository;
  const append = ["notes", `--ref=${notesReference}`, "append", "-F", "-", commit];
  let result = await git.run(append, undefined, utf8(armored));
  // Who writes the note proves nothing, the signature does: a member whom git does not know need not tell it now.
  if (/identity unknown|auto-detect email/i.test(result.stderr)) {
    const identity = ["-c", `user.name=${principal}`, "-c", "user.email=nixseal@localhost"];
    result = await git.run([...identity, ...append], undefined, utf8(armored));
  }
  if (result.code !== 0) throw gitFailed("notes", result.stderr);
  const note = await readNote(repository, commit);
  if (note.signatures.includes(armored.trim())) return note;
  throw new NixsealError("conflict", "somebody else wrote the notes at the same time", {
    hint: "run it again",
  });
}

async function commitOf(repository: Repository, reader: ObjectReader, id: ObjectId): Promise<Commit> {
  const parsed = parseObject(await reader.read(id), repository);
  if ("refused" in parsed || parsed.object.type !== "commit")
    throw new NixsealError("refused", `the commit ${id} is missing or damaged`);
  return parsed.object;
}

function helpless(reason: string): NixsealError {
  return new NixsealError("refused", `the commit ${reason}`);
}
