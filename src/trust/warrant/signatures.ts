/** Who has signed a warrant, one by one. Pure. */
import { NixsealError } from "../../core/errors.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import type { Fingerprint } from "../../ssh/public-key.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { signedData, signingKey, type SshSig } from "../../ssh/sshsig.ts";
import { decideRight, type RightPolicy } from "../certificates/decide.ts";
import { closureBytes } from "./closure.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { unwarranted, type WarrantRefusal } from "./refusal.ts";
import { warrantNamespace } from "./model.ts";

export interface CountedSignature {
  readonly accepted: true;
  readonly principal: string;
  readonly key: Fingerprint;
}

/** With what the signature says of its maker, who need not exist. */
export interface RefusedSignature extends WarrantRefusal {
  readonly principal: string | null;
  readonly key: Fingerprint;
}

export type SignatureVerdict = CountedSignature | RefusedSignature;

/**
 * A verdict for each signature, in order: by a member whose certificate gives `activate` on the host. Members are counted, and
 * keys: not signatures. A member who signs twice, with one key or with two, is one; so is one key under two names.
 */
export function judgeSignatures(
  { payload, warrant, signatures }: WarrantEnvelope,
  host: Candidate,
  policy: RightPolicy,
): SignatureVerdict[] {
  const size = closureBytes(warrant.paths);
  const principals = new Set<string>();
  const keys = new Set<Fingerprint>();
  return signatures.map((signature) => {
    const verdict = judge(signature, payload, host, size, policy);
    if (!verdict.accepted) return { ...verdict, ...claimed(signature) };
    const { principal, key } = verdict;
    if (principals.has(principal) || keys.has(key)) {
      const who = principals.has(principal) ? principal : key;
      return { ...unwarranted("same-signer", `${who} has signed already`), principal, key };
    }
    principals.add(principal);
    keys.add(key);
    return verdict;
  });
}

function judge(
  signature: SshSig,
  payload: Uint8Array,
  host: Candidate,
  closureBytes: number,
  policy: RightPolicy,
): CountedSignature | WarrantRefusal {
  const { signer, namespace } = signature;
  if (namespace !== warrantNamespace)
    return unwarranted("namespace", `the signature is for namespace '${namespace.slice(0, 64)}'`);
  if (signer.type !== "certificate")
    return unwarranted("no-certificate", "signed with a bare key, which stands for nobody");
  try {
    const given = decideRight({ certificate: signer, right: "activate", host, closureBytes }, policy);
    if (!given.accepted) return given;
    const { principal, userVerification } = given;
    const data = signedData(payload, signature);
    const checked = verifySignature(signer.key, data, signature.signature, { userVerification });
    return checked.accepted ? { accepted: true, principal, key: signer.key.fingerprint } : checked;
  } catch (error) {
    // A broken value inside is no signature; the others still count, since anyone can add a broken one.
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return unwarranted("bad-signature", error.message);
  }
}

function claimed({ signer }: SshSig): Pick<RefusedSignature, "principal" | "key"> {
  const principal = signer.type === "certificate" ? (signer.principals[0] ?? null) : null;
  return { principal, key: signingKey(signer).fingerprint };
}
