/** The advisories that a question is answered by: the feed that is kept here, or indexes that were named. */
import { resolve } from "node:path";
import { advisorySet } from "../../audit/advisories/advisory-set.ts";
import { effectiveTime } from "../../audit/advisories/feed/decide.ts";
import { formatTime } from "../../audit/advisories/feed/metadata.ts";
import { indexOf, openAdvisories } from "../../audit/advisories/feed/store.ts";
import { indexLimits } from "../../audit/advisories/index/layout.ts";
import type { Advisories } from "../../audit/vulnerabilities.ts";
import type { Context } from "../op.ts";
import { stateDirectory } from "./state.ts";

/** `not-found`, with the way out, when there are none. Later indexes lie over earlier ones. */
export async function openSet(
  context: Pick<Context, "files" | "clock" | "environment" | "workingDirectory">,
  indexes: readonly string[],
  state: string | undefined,
): Promise<Advisories> {
  const { files, clock, workingDirectory } = context;
  const now = clock.now();
  if (indexes.length === 0) {
    const { set, seen } = await openAdvisories(files, stateDirectory(context, state));
    const version = seen.versions.snapshot?.version ?? 0;
    const expires = formatTime(seen.expires ?? new Date(0));
    return { set, feed: { name: seen.root.feed, version, expires }, now: effectiveTime(now, seen.time) };
  }
  const opened = [];
  for (const file of indexes)
    opened.push(
      indexOf(await files.read(resolve(workingDirectory, file), { limit: indexLimits.bytes }), file),
    );
  return { set: advisorySet(opened, null), feed: null, now };
}
