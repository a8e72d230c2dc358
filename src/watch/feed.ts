/** The signed feed that the host follows: fetched where it can be, opened as far as it was ever accepted. */
import type { Http } from "../core/http-ports.ts";
import type { Files } from "../core/file-ports.ts";
import { effectiveTime } from "../audit/advisories/feed/decide.ts";
import { envelopeLimit } from "../audit/advisories/feed/envelope.ts";
import { openSource } from "../audit/advisories/feed/open-source.ts";
import type { Seen } from "../audit/advisories/feed/seen.ts";
import { openAdvisories, readSeen } from "../audit/advisories/feed/store.ts";
import { updateFeed } from "../audit/advisories/feed/update.ts";
import type { AdvisorySet } from "../audit/advisories/advisory-set.ts";
import { readTrusted, type WatchConfig } from "./config.ts";

export interface FeedPorts {
  readonly files: Files;
  readonly http: Http;
}

export interface OpenedFeed {
  readonly set: AdvisorySet;
  readonly seen: Seen;
  /** Never behind what was accepted: a clock that was set back helps nobody. */
  readonly now: Date;
}

/** All or nothing, with rollback and freeze protection: docs/advisories.md. */
export async function fetchFeed(
  { files, http }: FeedPorts,
  config: WatchConfig,
  root: string,
  directory: string,
  clock: Date,
): Promise<void> {
  const first = (await readSeen(files, directory)) === null;
  const firstRoot = first ? await readTrusted(files, root, config.root, envelopeLimit) : null;
  const place = config.feed.startsWith("/") ? `${root}${config.feed}` : config.feed;
  const source = await openSource({ files, http }, place);
  await files.makeDirectory(directory, { mode: 0o755, parents: true });
  await updateFeed({ files, directory, source, firstRoot, clock });
}

/** Null when no feed was ever accepted. */
export async function openFeed(
  files: Pick<Files, "read" | "status">,
  directory: string,
  clock: Date,
): Promise<OpenedFeed | null> {
  const known = await readSeen(files, directory);
  if (known === null || known.expires === null) return null;
  const { set, seen } = await openAdvisories(files, directory);
  return { set, seen, now: effectiveTime(clock, seen.time) };
}
