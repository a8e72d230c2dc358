import type { VulnerabilityFinding } from "../audit/match/finding.ts";

/** Brings the host to a system that is signed and waiting, for findings that hosts may act on. */
export type Patch = (
  findings: readonly VulnerabilityFinding[],
) => Promise<{ readonly done: boolean; readonly reason: string }>;

/** A host without a gate has nothing that may be activated without a hand. */
export const nothingWaits: Patch = () =>
  Promise.resolve({ done: false, reason: "no warranted system is waiting" });
