/** Whether a host's clock is ours, as far as its answer tells. */
import type { GateSuccess } from "./gate-client.ts";

/** Milliseconds that a host's clock may be from ours, the way of its answer included. */
const tolerated = 60_000;

/** A host with a wrong clock refuses what is valid, and says why by a time that nobody here understands. Null when it agrees with ours. */
export function clocksApart({ clock }: GateSuccess, now: Date): string | null {
  const theirs = typeof clock === "string" ? Date.parse(clock) : Number.NaN;
  if (!(Math.abs(theirs - now.getTime()) > tolerated)) return null;
  return `its clock says ${new Date(theirs).toISOString()}, here it is ${now.toISOString()}`;
}
