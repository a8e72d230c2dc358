import type { TrustCode } from "../refusal.ts";

/** Why a warrant orders nothing here, as a closed set that scripts and tests can rely on. */
export type WarrantCode =
  | TrustCode
  /** of another fleet */
  | "wrong-fleet"
  /** for another host */
  | "wrong-host"
  /** for a group that the root does not know or that this host is not in */
  | "wrong-group"
  /** its paths lie in another store directory */
  | "wrong-store"
  /** accepted before, or older than one that was: a replay or a downgrade */
  | "replayed"
  /** another warrant took this place in the sequence */
  | "fork"
  /** warrants between are missing: somebody held them back, or they were not sent along */
  | "gap"
  /** ordered before the newest accepted order of another sequence (the host's own, or another group's) */
  | "superseded"
  /** fewer than k distinct members with the right `activate` have signed */
  | "threshold"
  /** the same member, or the same key under another name, has signed already */
  | "same-signer"
  /** a signature by a bare key: who holds it, only a certificate says */
  | "no-certificate"
  /** the store does not hold what was signed */
  | "closure";

/** A decision's no. `reason` is one lower-case clause for people. */
export interface WarrantRefusal {
  readonly accepted: false;
  readonly code: WarrantCode;
  readonly reason: string;
}

export function unwarranted(code: WarrantCode, reason: string): WarrantRefusal {
  return { accepted: false, code, reason };
}
