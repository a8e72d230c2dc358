import type { AllowedSigner } from "../../ssh/allowed-signers.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import type { SshSig } from "../../ssh/sshsig.ts";
import { verify, type Acceptance } from "../../ssh/verify.ts";
import { foreignFleet, rightsOf } from "../certificates/decide.ts";
import { rightsOption, type Right } from "../certificates/rights.ts";
import type { Root } from "../root/root.ts";
import { fromSsh, refuse, type CommitAcceptance, type CommitDecision } from "./refusal.ts";

export interface SshSigners {
  readonly ssh: readonly AllowedSigner[];
  readonly revocations: Revocations | undefined;
  /**
   * Whether a certificate must be a member's, which says what it is for. Otherwise one without rights counts, as for git;
   * a certificate that has rights is held to them in any case.
   */
  readonly memberCertificates: boolean;
  /** The fleet's root: certificates of its CAs must be a member's of this fleet in any case; others are for logins. */
  readonly root?: Root | undefined;
}

/** Whether anybody of the signers made this signature, and by a certificate only with one of these rights. */
export function decideSshSigner(
  message: Uint8Array,
  signature: SshSig,
  namespace: string,
  { ssh, revocations, memberCertificates, root }: SshSigners,
  wanted: readonly Right[],
  now: Date,
): CommitDecision {
  const decision = verify(
    { message, signature },
    { signers: ssh, revocations, principal: null, namespace, understands: [rightsOption] },
    now,
  );
  if (!decision.accepted) return fromSsh(decision);
  const { principal, key, certificate } = decision;
  const accepted = { accepted: true, principal, key: key.fingerprint, rights: null } as const;
  const isMember = certificate?.criticalOptions.some(({ name }) => name === rightsOption);
  if (certificate === null) return accepted;
  const byRoot = root?.ca.keys.some(({ fingerprint }) => fingerprint === certificate.caKey.fingerprint);
  if (isMember !== true && !memberCertificates && byRoot !== true) return accepted;
  const elsewhere = root === undefined || byRoot !== true ? null : foreignFleet(certificate, root.fleet);
  if (elsewhere !== null) return refuse("right", elsewhere.reason);
  return decideRights(certificate, decision, wanted, accepted);
}

function decideRights(
  certificate: Certificate,
  { authenticator }: Acceptance,
  wanted: readonly Right[],
  accepted: CommitAcceptance,
): CommitDecision {
  const found = rightsOf(certificate);
  if ("code" in found) return refuse("right", found.reason);
  // Two names would let one key count as two members where k of them must agree.
  if (certificate.principals.length > 1)
    return refuse("principal", "a member certificate names exactly one member");
  if (!wanted.some((right) => found.rights.includes(right)))
    return refuse("right", `the certificate does not give the right '${wanted.join("' or '")}'`);
  if (found.touch !== null && authenticator === null)
    return refuse("right", "the certificate demands a touch, which this type of key has not");
  if (found.touch === "uv" && authenticator?.userVerification !== true)
    return refuse("no-user-verification", "the authenticator did not verify its user");
  return { ...accepted, rights: found.rights };
}
