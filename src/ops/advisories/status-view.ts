/** What a person wants to know of the feed that is here. */
import * as z from "zod";
import type { Files } from "../../core/file-ports.ts";
import { formatTime } from "../../audit/advisories/feed/metadata.ts";
import type { Seen } from "../../audit/advisories/feed/seen.ts";
import { openAdvisories, staleSince } from "../../audit/advisories/feed/store.ts";
import { facts } from "../facts.ts";
import type { Paint } from "../op.ts";

export const statusSchema = z.object({
  feed: z.string(),
  state: z.enum(["current", "stale"]),
  expires: z.string(),
  root: z.number(),
  version: z.number().describe("of the feed's content"),
  layers: z.number(),
  advisories: z.number(),
  ranges: z.number(),
  critical: z.number().describe("advisories that hosts may act on by themselves"),
});
type Status = z.output<typeof statusSchema>;

export async function statusOf(
  files: Pick<Files, "read" | "status">,
  directory: string,
  seen: Seen,
  now: Date,
): Promise<Status> {
  const { set } = await openAdvisories(files, directory);
  const sum = (of: (layer: (typeof set.layers)[number]) => number): number =>
    set.layers.reduce((total, layer) => total + of(layer), 0);
  return {
    feed: seen.root.feed,
    state: staleSince(seen, now) === null ? "current" : "stale",
    expires: seen.expires === null ? "never" : formatTime(seen.expires),
    root: seen.root.version,
    version: seen.versions.snapshot?.version ?? 0,
    layers: set.layers.length,
    advisories: sum(({ index, hidden }) => index.advisories - hidden.size),
    ranges: sum(({ index }) => index.ranges),
    critical: seen.critical.length,
  };
}

export function statusText(status: Status, paint: Paint): string {
  const { feed, state, expires, root, version, advisories, ranges, critical } = status;
  const word =
    state === "current" ? paint.good(`current until ${expires}`) : paint.bad(`STALE since ${expires}`);
  return facts([
    ["feed", `${feed}, version ${version}, root ${root}`],
    ["state", word],
    ["advisories", `${advisories}, with ${ranges} ranges`],
    ["critical", String(critical)],
  ]);
}
