/**
 * Approvals: SSHSIGs over canonical JSON that names what is approved, in git notes of the commit that it is about. Notes
 * come after the commit and do not change it; where they lie needs no trust, since every statement is signed. They hold
 * armored signatures and nothing else that counts, so that `ssh-keygen -Y sign` and `git notes append` make them.
 */
import { utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { materialOf } from "../../ssh/public-key.ts";
import { parseArmoredSshSig, signingKey } from "../../ssh/sshsig.ts";
import { decideSshSigner, type SshSigners } from "./decide-ssh-signer.ts";
import type { ObjectId } from "./object-id.ts";
import type { Repository } from "./repository.ts";

export const approvalNamespace = "nixseal-approve@v1";
export const notesReference = "refs/notes/nixseal-approvals";

/** What a member says yes to. */
export type Statement =
  /** the change of the policy in this commit, in the history that began with `introduction` */
  | { readonly action: "change-policy"; readonly commit: ObjectId; readonly introduction: ObjectId }
  /** that a reference moves to a commit that does not descend from the one accepted last */
  | {
      readonly action: "go-back";
      readonly from: ObjectId;
      readonly reference: string;
      readonly to: ObjectId;
    };

/** The exact bytes that are signed, without a line feed. */
export function statementText(statement: Statement): string {
  return canonicalJson({ ...statement, version: 1 });
}

/** What the note of a commit holds. */
export interface Note {
  /** Armored signatures, not looked at yet. */
  readonly signatures: readonly string[];
  /** `head ID`: the branch that a forge squashed into this commit. A hint, which is checked by its content. */
  readonly head: string | null;
}

const maximumNote = 1 << 20;
const maximumSignatures = 100;
const block = /^-----BEGIN SSH SIGNATURE-----\n[^-]*\n-----END SSH SIGNATURE-----$/gm;

export async function readNote({ git }: Repository, commit: ObjectId): Promise<Note> {
  const empty = { signatures: [], head: null };
  const { code, stdout } = await git.run(["notes", `--ref=${notesReference}`, "show", commit], maximumNote);
  if (code !== 0) return empty; // no note
  const text = Buffer.from(stdout).toString("latin1");
  const signatures = [...text.matchAll(block)].map(([armored]) => armored);
  if (signatures.length > maximumSignatures)
    throw new NixsealError("limit", `more than ${maximumSignatures} approvals of one commit`);
  return { signatures, head: /^head ([0-9a-f]{40,64})$/m.exec(text)?.[1] ?? null };
}

/**
 * Who approved: distinct principals, so that a member with two keys counts once, and distinct keys, so that one key with
 * certificates for two members does not count twice. A signature that does not hold is passed over, since anyone can write
 * notes: it takes nothing away and gives nothing. `author`: the key that signed the commit, which has spoken already.
 */
export function approvers(
  statement: Statement,
  { signatures }: Note,
  signers: SshSigners,
  now: Date,
  author: string | null = null,
): ReadonlySet<string> {
  const message = utf8(statementText(statement));
  const principals = new Set<string>();
  const keys = new Set<string>();
  for (const armored of signatures) {
    try {
      const signature = parseArmoredSshSig(armored);
      const decision = decideSshSigner(message, signature, approvalNamespace, signers, ["policy"], now);
      const material = materialOf(signingKey(signature.signer));
      if (!decision.accepted || decision.key === author || keys.has(material)) continue;
      principals.add(decision.principal);
      keys.add(material);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
    }
  }
  return principals;
}
