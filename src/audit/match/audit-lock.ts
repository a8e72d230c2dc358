/** What a flake.lock alone says: whether the revision that fixes something is included. */
import type { Verdict } from "../../core/finding.ts";
import type { TeamFields } from "../advisories/advisory.ts";
import type { AdvisorySet } from "../advisories/advisory-set.ts";
import type { LockedNixpkgs } from "../packages/from-lock.ts";
import type { VulnerabilityFinding } from "./finding.ts";

interface Place {
  readonly channel: string;
  readonly ordinal: number;
}

/**
 * One finding for each advisory with channels and each nixpkgs in the lock. Which packages are built from it nobody knows
 * here: `affected` means that the package of the advisory, if it is used, lacks the fix.
 */
export function auditLock(locked: readonly LockedNixpkgs[], { layers }: AdvisorySet): VulnerabilityFinding[] {
  const channelsOf = (revision: string): Place[] => layers.flatMap(({ index }) => index.channelsOf(revision));
  return locked.flatMap(({ node, revision }) => {
    const places = channelsOf(revision);
    return layers.flatMap(({ index, hidden }) =>
      [...index.withTeamFields()].flatMap((number): VulnerabilityFinding[] => {
        const channels = index.teamFields(number)?.channels;
        const advisory = index.advisory(number);
        if (hidden.has(number) || channels === undefined || advisory.withdrawn) return [];
        const { verdict, reason } = fixIncluded(places, channels, channelsOf);
        return [
          {
            ...advisory,
            verdict,
            package: "nixpkgs",
            version: revision,
            paths: [],
            message: `nixpkgs ${revision.slice(0, 12) || "of no revision"} (${node}): ${advisory.summary || advisory.id}`,
            hint: verdict === "not-affected" ? undefined : `nix flake update ${node}`,
            evidence: reason,
            because: verdict === "unknown" ? "unordered" : "version",
            mayAct: false,
            units: [],
          },
        ];
      }),
    );
  });
}

/** Revisions can be compared on one channel only. Pure. */
export function fixIncluded(
  places: readonly Place[],
  fixes: NonNullable<TeamFields["channels"]>,
  channelsOf: (revision: string) => readonly Place[],
): { readonly verdict: Verdict; readonly reason: string } {
  if (places.length === 0)
    return { verdict: "unknown", reason: "the revision is on no channel that is known" }; // a fork's, or none
  const answers = places.flatMap((place) => {
    const fix = fixes.find(({ channel }) => channel === place.channel);
    const fixed =
      fix === undefined ? undefined : channelsOf(fix.fixed).find(({ channel }) => channel === place.channel);
    return fixed === undefined ? [] : [{ ...place, included: place.ordinal >= fixed.ordinal }];
  });
  const [first] = answers;
  if (first === undefined)
    return {
      verdict: "unknown",
      reason: `no fix is known on ${places.map(({ channel }) => channel).join(", ")}`,
    };
  const lacking = answers.find(({ included }) => !included);
  return lacking === undefined
    ? { verdict: "not-affected", reason: `${first.channel} has the fix at this revision` }
    : { verdict: "affected", reason: `${lacking.channel} got the fix after this revision` };
}
