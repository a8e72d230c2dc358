/** One update of the feed on this machine: TUF's client workflow (specification 1.0.33, section 5). */
import { NixsealError } from "../../../core/errors.ts";
import type { Files } from "../../../core/file-ports.ts";
import { AdvisoryIndex } from "../index/read.ts";
import {
  afterRotation,
  decideFirstRoot,
  decideNamed,
  decideNextRoot,
  decideTimestamp,
  effectiveTime,
  expiryFault,
  refused,
  type FeedDecision,
  type FeedRefusal,
} from "./decide.ts";
import { envelopeLimit, formatEnvelope, parseEnvelope, type Envelope } from "./envelope.ts";
import {
  feedLimits,
  referenceTo,
  sha256Hex,
  type FeedRoot,
  type LayerFile,
  type Metadata,
  type MetadataOf,
  type Reference,
} from "./metadata.ts";
import { formatSeen, type Seen } from "./seen.ts";
import { layerName, type FeedSource } from "./source.ts";
import { hasLayer, readSeen, seenFile } from "./store.ts";

type Store = Pick<Files, "read" | "status" | "writeAtomic" | "makeDirectory">;

export interface UpdateOptions {
  readonly files: Store;
  readonly directory: string;
  readonly source: FeedSource;
  /** The bytes of the root that a person vouches for; needed for the first update only. */
  readonly firstRoot: Uint8Array | null;
  readonly clock: Date;
}

export interface Updated {
  readonly seen: Seen;
  readonly before: Seen | null;
  /** Layers that came new. */
  readonly fetched: readonly LayerFile[];
}

/**
 * All or nothing but for the root: what was accepted before stays until everything new is verified and on disk. `refused` for every attack,
 * `stale` when the feed's own word is out of date.
 */
export async function updateFeed(options: UpdateOptions): Promise<Updated> {
  const { files, directory, clock } = options;
  const before = await readSeen(files, directory);
  const mirror: { name: string; bytes: Uint8Array }[] = [];
  const keep = (name: string, envelope: Envelope): void =>
    void mirror.push({ name, bytes: formatEnvelope(envelope) });

  const start = before?.root ?? firstRoot(options.firstRoot, keep);
  const now = effectiveTime(clock, before?.time ?? null);
  const root = await newestRoot(options, start, keep);
  const known = before === null ? {} : afterRotation(before.versions, before.root, root);
  // TUF 5.3.8: at once, so that a failure further on does not bring the old keys back.
  if (before !== null && root.version > before.root.version)
    await files.writeAtomic(seenFile(directory), formatSeen({ ...before, root, versions: known }), {
      mode: 0o644,
    });
  rejectFault(expiryFault(root, now));

  const stamp = await required(options, "timestamp.json", "timestamp");
  const timestamp = accepted(decideTimestamp(stamp, root, known, now));
  keep("timestamp.json", stamp);
  const named = async <R extends "snapshot" | "targets" | "critical">(
    role: R,
    by: Reference,
  ): Promise<MetadataOf<R>> => {
    const name = `${by.version}.${role}.json`;
    const envelope = await required(options, name, role);
    const metadata = accepted(decideNamed(role, envelope, by, root, known, now));
    keep(name, envelope);
    return metadata;
  };
  const snapshot = await named("snapshot", timestamp.snapshot);
  const targets = await named("targets", snapshot.targets);
  const critical = await named("critical", snapshot.critical);

  await files.makeDirectory(`${directory}/layers`, { mode: 0o755, parents: true });
  const fetched = await fetchLayers(options, targets.layers);
  const seen: Seen = {
    root,
    versions: {
      timestamp: versionOf(timestamp),
      snapshot: versionOf(snapshot),
      targets: versionOf(targets),
      critical: versionOf(critical),
    },
    time: effectiveTime(timestamp.issued, before?.time ?? null),
    expires: new Date(
      Math.min(...[root, timestamp, snapshot, targets, critical].map(({ expires }) => expires.getTime())),
    ),
    layers: targets.layers,
    critical: critical.advisories,
  };
  for (const { name, bytes } of mirror)
    await files.writeAtomic(`${directory}/${name}`, bytes, { mode: 0o644 });
  // Last: it is what everything is read by.
  await files.writeAtomic(seenFile(directory), formatSeen(seen), { mode: 0o644 });
  return { seen, before, fetched };
}

type Keep = (name: string, envelope: Envelope) => void;

function firstRoot(bytes: Uint8Array | null, keep: Keep): FeedRoot {
  if (bytes === null)
    throw new NixsealError("refused", "nobody has said yet whose advisories to believe", {
      hint: "give the feed's root once with --root FILE, after comparing it with its publisher's",
    });
  const envelope = parseEnvelope(bytes, "root");
  const root = accepted(decideFirstRoot(envelope));
  keep(`${root.version}.root.json`, envelope);
  return root;
}

async function newestRoot({ source }: UpdateOptions, start: FeedRoot, keep: Keep): Promise<FeedRoot> {
  let root = start;
  for (let step = 0; step < feedLimits.roots; step++) {
    const name = `${root.version + 1}.root.json`;
    const bytes = await bounded(name, () => source.fetch(name, envelopeLimit));
    if (bytes === null) return root;
    const envelope = parseEnvelope(bytes, name);
    root = accepted(decideNextRoot(root, envelope));
    keep(name, envelope);
  }
  throw new NixsealError("limit", `more than ${feedLimits.roots} new versions of the root`);
}

async function required({ source }: UpdateOptions, name: string, what: string): Promise<Envelope> {
  const bytes = await bounded(name, () => source.fetch(name, envelopeLimit));
  if (bytes === null)
    throw new NixsealError("not-found", `the feed has no ${name}`, {
      hint: "name the directory that timestamp.json is in",
    });
  return parseEnvelope(bytes, what);
}

async function fetchLayers(
  { files, directory, source }: UpdateOptions,
  layers: readonly LayerFile[],
): Promise<LayerFile[]> {
  const fetched: LayerFile[] = [];
  for (const layer of layers) {
    if (await hasLayer(files, directory, layer)) continue;
    const name = layerName(layer.digest);
    const bytes = await bounded(name, () => source.fetch(name, layer.length));
    if (bytes === null) throw new NixsealError("not-found", `the feed has no ${name}`);
    if (bytes.length !== layer.length || sha256Hex(bytes) !== layer.digest)
      reject(refused("mix", `${name} is not what the feed has signed`));
    // Signed is not well-formed: what could not be read later is not taken now.
    const index = new AdvisoryIndex(bytes);
    if (index.advisories === 0 && layers.length === 1)
      reject(refused("mix", "the feed has no advisories at all"));
    await files.writeAtomic(`${directory}/${name}`, bytes, { mode: 0o644 });
    fetched.push(layer);
  }
  return fetched;
}

/** A source that gives more than was declared is an attack, not a full disk. */
async function bounded<T>(name: string, fetch: () => Promise<T>): Promise<T> {
  try {
    return await fetch();
  } catch (error) {
    if (error instanceof NixsealError && error.code === "limit")
      reject(refused("size", `${name} is larger than the feed may be or has declared`));
    throw error;
  }
}

function versionOf(metadata: Metadata): { version: number; digest: string } {
  const { version, digest } = referenceTo(metadata);
  return { version, digest };
}

function accepted<M extends Metadata>(decision: FeedDecision<M>): M {
  if (!decision.accepted) reject(decision);
  return decision.metadata;
}

function rejectFault(fault: FeedRefusal | null): void {
  if (fault !== null) reject(fault);
}

const hints: Partial<Record<FeedRefusal["code"], string>> = {
  expired:
    "somebody may be keeping newer advisories from you, or the publisher is late; until then nothing counts as clean",
  rollback: "an old mirror, or somebody who hides newer advisories; try another source",
  clock: "set the clock of this machine",
};

function reject({ code, reason }: FeedRefusal): never {
  throw new NixsealError(code === "expired" ? "stale" : "refused", reason, { hint: hints[code] });
}
