/** Why a signature or a certificate is not accepted, as a closed set that scripts and tests can rely on. */
export const refusalCodes = [
  /** the signature does not hold for this message and key */
  "bad-signature",
  /** an algorithm that is not accepted, or not the key's own */
  "algorithm",
  /** RSA below 2048 bits, or an ed25519 key of low order */
  "weak-key",
  /** nobody touched the authenticator */
  "no-user-presence",
  /** the authenticator did not verify its user (PIN, fingerprint) though that is asked for */
  "no-user-verification",
  /** made for another purpose */
  "namespace",
  /** no line of the allowed signers names this key (or its CA) for this principal */
  "unknown-signer",
  /** the certificate does not name the principal, or names a pattern */
  "principal",
  "not-yet-valid",
  "expired",
  /** a host certificate */
  "certificate-type",
  /** the CA's signature on the certificate is wrong or weak */
  "ca-signature",
  /** the certificate demands something that is not understood or that nothing here enforces */
  "critical-option",
  "revoked",
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** A decision's no. `reason` is one lower-case clause for people. */
export interface Refusal {
  readonly accepted: false;
  readonly code: RefusalCode;
  readonly reason: string;
}

export function refusal(code: RefusalCode, reason: string): Refusal {
  return { accepted: false, code, reason };
}
