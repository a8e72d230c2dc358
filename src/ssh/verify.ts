/** The one place where a signature is decided on. Pure: what it needs comes in, a decision comes out. */
import type { AllowedSigner } from "./allowed-signers.ts";
import type { Certificate } from "./certificate.ts";
import { checkCertificate, demandsUserVerification, isPattern } from "./check-certificate.ts";
import { matchesPatternList } from "./pattern-list.ts";
import type { PublicKey } from "./public-key.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { revocationOf, type Revocations } from "./revocations.ts";
import { verifySignature, type AuthenticatorFlags } from "./signature.ts";
import { signedData, signingKey, type MessageDigest, type SshSig } from "./sshsig.ts";

export interface Evidence {
  /** Whole, or as `digestMessage` made it with the signature's hash. */
  readonly message: Uint8Array | MessageDigest;
  readonly signature: SshSig;
}

/** What a signer must fulfil, whoever it is. */
export interface SignerPolicy {
  readonly signers: readonly AllowedSigner[];
  readonly revocations?: Revocations | undefined;
  /** Critical options of certificates that the caller reads and enforces after this decision. */
  readonly understands?: readonly string[] | undefined;
}

export interface VerifyPolicy extends SignerPolicy {
  /** Who must have signed: one name, never a pattern. Null: anyone whom the signers name, as git asks. */
  readonly principal: string | null;
  readonly namespace: string;
  /** Demand that an authenticator verified its user, which a key outside of one cannot. */
  readonly userVerification?: boolean | undefined;
}

export interface Acceptance {
  readonly accepted: true;
  /** Where anyone may have signed, the first of the names that `findPrincipals` gives for the line. */
  readonly principal: string;
  readonly key: PublicKey;
  /** By which the key speaks; its critical options and extensions are the caller's to read. */
  readonly certificate: Certificate | null;
  /** The line that allowed it. */
  readonly signer: AllowedSigner;
  readonly authenticator: AuthenticatorFlags | null;
}

export type Decision = Acceptance | Refusal;

/**
 * Whether `principal` signed the message for this namespace, judged at `now`. Stricter than `ssh-keygen -Y
 * verify`: the refusal codes say where. Throws only `malformed`, when the raw signature inside does not follow its format.
 */
export function verify({ message, signature }: Evidence, policy: VerifyPolicy, now: Date): Decision {
  const { principal, namespace } = policy;
  if (principal !== null && isPattern(principal))
    return refusal("principal", "the principal that is asked for is not a name");
  if (signature.namespace !== namespace) {
    return refusal("namespace", `the signature is for namespace '${signature.namespace.slice(0, 64)}'`);
  }
  const certificate = signature.signer.type === "certificate" ? signature.signer : null;
  const key = signingKey(signature.signer);
  const checked = verifySignature(key, signedData(message, signature), signature.signature, {
    userVerification:
      policy.userVerification === true || (certificate !== null && demandsUserVerification(certificate)),
  });
  if (!checked.accepted) return checked;

  const standing = checkStanding(signature, policy, now, principal ?? undefined);
  if (standing !== null) return standing;

  const named = policy.signers.filter(
    (signer) => principal === null || matchesPatternList(principal, signer.principals),
  );
  let no = refusal("unknown-signer", `no line of the allowed signers has ${subjectOf(signature, principal)}`);
  for (const signer of named.filter((line) => speaksFor(line, signature))) {
    const fault = checkLine(signer, namespace, now);
    const name = principal ?? namesOf(signer, signature).find((one) => !one.startsWith("!"));
    if (fault === null && name !== undefined) {
      const authenticator = checked.authenticator ?? null;
      return { accepted: true, principal: name, key, certificate, signer, authenticator };
    }
    no = fault ?? refusal("principal", `line ${signer.line} names nobody that this signer could be`);
  }
  return no;
}

/**
 * The principals that the first matching line allows the signature's key, as `ssh-keygen -Y find-principals`: the
 * line's pattern list, or for a certificate those of its own names that the list matches. The message is not
 * looked at: whoever prints these has verified nothing yet.
 */
export function findPrincipals(signature: SshSig, policy: SignerPolicy, now: Date): string[] | Refusal {
  const standing = checkStanding(signature, policy, now, undefined);
  if (standing !== null) return standing;
  let no = refusal("unknown-signer", "no line of the allowed signers has this key");
  for (const signer of policy.signers.filter((line) => speaksFor(line, signature))) {
    const fault = checkLine(signer, undefined, now);
    const names = namesOf(signer, signature);
    if (fault === null && names.length > 0) return names;
    no = fault ?? refusal("principal", "no principal of the certificate is allowed");
  }
  return no;
}

function namesOf({ principals }: AllowedSigner, { signer }: SshSig): string[] {
  return signer.type === "certificate"
    ? signer.principals.filter((name) => matchesPatternList(name, principals))
    : principals.split(",");
}

function subjectOf({ signer }: SshSig, principal: string | null): string {
  const key =
    signer.type === "certificate"
      ? `the CA ${signer.caKey.fingerprint} of the certificate`
      : `the key ${signer.fingerprint}`;
  return principal === null ? key : "this key for this principal";
}

/** What holds whatever the allowed signers say. */
function checkStanding(
  { signer }: SshSig,
  { revocations, understands }: SignerPolicy,
  now: Date,
  principal: string | undefined,
): Refusal | null {
  const fault =
    signer.type === "certificate" ? checkCertificate(signer, { now, principal, understands }) : null;
  if (fault !== null) return fault;
  const revoked = revocations === undefined ? null : revocationOf(revocations, signer);
  return revoked === null ? null : refusal("revoked", revoked);
}

/** Whether the line is about this signer: its very key, or the CA of its certificate. */
function speaksFor(line: AllowedSigner, { signer }: SshSig): boolean {
  // A certificate never counts as its bare key: it would outlive its own end.
  const key = signer.type === "certificate" ? signer.caKey : signer;
  return line.certAuthority === (signer.type === "certificate") && line.key.fingerprint === key.fingerprint;
}

function checkLine(line: AllowedSigner, namespace: string | undefined, now: Date): Refusal | null {
  if (
    namespace !== undefined &&
    line.namespaces !== null &&
    !matchesPatternList(namespace, line.namespaces)
  ) {
    return refusal("namespace", `line ${line.line} does not allow the key for this namespace`);
  }
  const second = Math.floor(now.getTime() / 1000) * 1000;
  if (line.validAfter !== null && second < line.validAfter.getTime()) {
    return refusal("not-yet-valid", `line ${line.line} does not allow the key yet`);
  }
  if (line.validBefore !== null && second > line.validBefore.getTime()) {
    return refusal("expired", `line ${line.line} does not allow the key any more`);
  }
  return null;
}
