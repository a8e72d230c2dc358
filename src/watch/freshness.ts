import type { Notices } from "./notices.ts";

/** Milliseconds after which it counts as a failure that nobody looked. The timer looks every hour. */
const longestSilence = 3 * 86_400_000;

/** From when on notices may not be taken for all there is. Null: never, for there is no feed. */
export function goodUntil({ feed, checked }: Pick<Notices, "feed" | "checked">): Date | null {
  if (feed === null) return null;
  return new Date(Math.min(Date.parse(feed.expires), Date.parse(checked) + longestSilence));
}

/** Why the notices may not be taken for all there is; null when they may. */
export function staleness(notices: Pick<Notices, "feed" | "checked">, now: Date): string | null {
  const { feed, checked } = notices;
  if (feed === null) return "no advisories were fetched yet";
  // A clock behind what was seen is wrong, and would make old data look good.
  const moment = Math.max(now.getTime(), Date.parse(checked));
  if (moment >= Date.parse(feed.expires)) return `the advisories are out of date since ${feed.expires}`;
  if (moment >= goodUntil(notices)!.getTime()) return `nobody has looked since ${checked}`;
  return null;
}
