import type { RefusalCode } from "../ssh/refusal.ts";

/** Why something is not trusted, as a closed set that scripts and tests can rely on. */
export type TrustCode =
  | RefusalCode
  /** fewer than k of the root keys have signed */
  | "root-threshold"
  /** not the version that follows the trusted one, or older than one already seen */
  | "root-version"
  /** another document under a version that was seen already */
  | "root-fork"
  /** of another fleet */
  | "root-fleet"
  | "root-expired"
  /** would take the gate back to an earlier epoch */
  | "gate-epoch"
  /** the CA is none of the root's */
  | "unknown-ca"
  /** no rights in the certificate, or rights that do not follow their format */
  | "rights"
  /** the certificate does not give the right that is asked for */
  | "right"
  /** the certificate gives the right, but not on this host */
  | "host"
  /** the closure is larger than the certificate allows */
  | "closure-size"
  /** the key is not one whose touch the certificate demands */
  | "touch"
  /** no revocation list though one was seen, or one that none of the root's CA keys signed */
  | "krl-signature"
  /** older than one already seen, or another list under the same version */
  | "krl-version"
  /** made in the future: somebody's clock is wrong */
  | "krl-future";

/** A decision's no. `reason` is one lower-case clause for people. */
export interface TrustRefusal {
  readonly accepted: false;
  readonly code: TrustCode;
  readonly reason: string;
}

export function untrusted(code: TrustCode, reason: string): TrustRefusal {
  return { accepted: false, code, reason };
}
