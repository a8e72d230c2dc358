/** The next metadata of a feed, before anybody has signed it. Pure. */
import {
  referenceTo,
  type Critical,
  type FeedRoot,
  type LayerFile,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "./metadata.ts";

/** What stands in the feed now; null before the first time. */
export interface Published {
  readonly targets: Targets;
  readonly critical: Critical;
  readonly snapshot: Snapshot;
  readonly timestamp: Timestamp;
}

export interface Content {
  readonly layers: readonly LayerFile[];
  readonly critical: readonly string[];
}

/** Days until each is out of date: short for what a machine signs every day, long for what people sign. */
export interface Lifetimes {
  readonly timestamp: number;
  readonly others: number;
}

type Draft = Pick<Published, "timestamp"> & Partial<Published>;

/** Everything that changes. Without new content it is the timestamp alone. */
export function draftFeed(
  root: FeedRoot,
  published: Published | null,
  content: Content | null,
  issued: Date,
  lifetimes: Lifetimes,
): Draft {
  const inDays = (days: number): Date =>
    new Date(Math.floor(issued.getTime() / 1000) * 1000 + days * 86_400_000);
  const common = { feed: root.feed, expires: inDays(lifetimes.others) };
  const next = (old: { readonly version: number } | undefined): number => (old?.version ?? 0) + 1;
  const timestamp = (snapshot: Snapshot): Timestamp => ({
    type: "timestamp",
    feed: root.feed,
    version: next(published?.timestamp),
    expires: inDays(lifetimes.timestamp),
    issued: inDays(0),
    snapshot: referenceTo(snapshot),
  });
  if (content === null && published !== null) return { timestamp: timestamp(published.snapshot) };
  const { layers, critical: ids } = content ?? { layers: [], critical: [] };
  const targets: Targets = { type: "targets", ...common, version: next(published?.targets), layers };
  const critical: Critical = {
    type: "critical",
    ...common,
    version: next(published?.critical),
    advisories: ids,
  };
  const snapshot: Snapshot = {
    type: "snapshot",
    ...common,
    version: next(published?.snapshot),
    targets: referenceTo(targets),
    critical: referenceTo(critical),
  };
  return { targets, critical, snapshot, timestamp: timestamp(snapshot) };
}
