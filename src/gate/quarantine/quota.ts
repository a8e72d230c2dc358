/** How much may wait in the quarantine. Counted from names alone, what is still coming in included. */
import { NixsealError } from "../../core/errors.ts";
import type { Claim, Reservation } from "./names.ts";

export interface QuotaLimits {
  /** Of the whole. */
  readonly bytes: number;
  /** Entries of the whole: a million archives of a hundred bytes fill a disk too. */
  readonly entries: number;
}

export interface Held {
  readonly bytes: number;
  readonly entries: number;
}

/** The share of one member in the whole: nobody can close the quarantine for all others. */
const share = 0.5;
/** What an entry takes on the disk at least: an archive and its description. */
export const smallestEntry = 8192;

export function heldBy(
  member: string | null,
  claims: readonly Claim[],
  incoming: readonly Reservation[],
): Held {
  const sizes = [...claims, ...incoming]
    .filter((one) => one.member !== null && (member === null || one.member === member))
    .map(({ narSize }) => Math.max(narSize, smallestEntry));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), entries: sizes.length };
}

/**
 * To be asked after the reservation was made, so that of two uploads at once at least one sees the other: both may be
 * refused, never both taken. Throws `limit`.
 */
export function checkQuota(
  member: string,
  claims: readonly Claim[],
  incoming: readonly Reservation[],
  limits: QuotaLimits,
): void {
  const whole = heldBy(null, claims, incoming);
  const own = heldBy(member, claims, incoming);
  const hint = "have a warrant made for what waits there, or wait until it expires";
  if (own.bytes > limits.bytes * share || own.entries > limits.entries * share)
    throw new NixsealError("limit", `the share of ${member} in the quarantine is full`, { hint });
  if (whole.bytes > limits.bytes || whole.entries > limits.entries)
    throw new NixsealError("limit", "the quarantine is full", { hint });
}
