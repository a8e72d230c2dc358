/** Whether a certificate is to be believed. */
import type { Certificate } from "./certificate.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { weaknessOf } from "./weak-key.ts";

export interface CertificatePolicy {
  readonly now: Date;
  /** Must be one of the certificate's principals, exactly. Left out where the caller looks for principals. */
  readonly principal?: string | undefined;
  /** Critical options that the caller reads and enforces itself. `verify-required` is enforced by `verify`. */
  readonly understands?: readonly string[] | undefined;
}

/** Nothing in a signature lets anyone enforce these, so no caller can claim to. */
const unenforceable = new Set(["force-command", "source-address"]);

/**
 * Null when all holds: a user certificate, signed well by its CA, within its time, with nothing in it that is
 * not understood. Whether the CA may speak, and whether anything is revoked, is the caller's question.
 */
export function checkCertificate(certificate: Certificate, policy: CertificatePolicy): Refusal | null {
  if (certificate.kind !== "user") return refusal("certificate-type", "a host certificate signs nothing");
  const weak = weaknessOf(certificate.key);
  if (weak !== null) return refusal("weak-key", `the certified key ${weak}`);

  const forged = checkCaSignature(certificate);
  if (forged !== null) return forged;

  // Milliseconds are cut off towards the past, as time(2) does.
  const now = BigInt(Math.floor(policy.now.getTime() / 1000));
  if (now < certificate.validAfter) return refusal("not-yet-valid", "the certificate is not valid yet");
  if (now >= certificate.validBefore) return refusal("expired", "the certificate has expired");

  const understood = ["verify-required", ...(policy.understands ?? [])];
  const option = certificate.criticalOptions.find(
    ({ name }) => unenforceable.has(name) || !understood.includes(name),
  );
  if (option !== undefined) {
    // OpenSSH's -Y verify ignores critical options, so a certificate for one purpose would sign for all.
    return refusal(
      "critical-option",
      `the certificate demands '${option.name.slice(0, 64)}', which nothing here enforces`,
    );
  }
  return checkPrincipals(certificate.principals, policy.principal);
}

/** Null when the CA that the certificate names signed it. Anyone can name any CA and be one: this alone says little. */
export function checkCaSignature({ caKey, signedPart, signature }: Certificate): Refusal | null {
  const result = verifySignature(caKey, signedPart, signature);
  return result.accepted ? null : refusal("ca-signature", `the CA's signature: ${result.reason}`);
}

/** Whether the certificate demands that an authenticator verifies its user. */
export function demandsUserVerification(certificate: Certificate): boolean {
  return certificate.criticalOptions.some(({ name }) => name === "verify-required");
}

/** Whether a name could be read as a pattern, a list or several words. */
export function isPattern(principal: string): boolean {
  return principal === "" || /[*?!,"\s\p{Cc}]/u.test(principal);
}

function checkPrincipals(principals: readonly string[], wanted: string | undefined): Refusal | null {
  if (principals.length === 0) return refusal("principal", "the certificate names no principal");
  const pattern = principals.find(isPattern);
  if (pattern !== undefined) {
    return refusal("principal", `the certificate names '${printable(pattern)}', which is not a name`);
  }
  if (wanted !== undefined && !principals.includes(wanted)) {
    return refusal("principal", `the certificate does not name '${printable(wanted)}'`);
  }
  return null;
}

function printable(text: string): string {
  return text.slice(0, 64).replaceAll(/\p{Cc}/gu, "?");
}
