/** The directory in which a feed is made: what stands in it, and in `draft/` what waits for signatures. */
import { NixsealError, at } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { signersAmong } from "../../audit/advisories/feed/decide.ts";
import type { Published } from "../../audit/advisories/feed/draft.ts";
import {
  envelopeLimit,
  formatEnvelope,
  parseEnvelope,
  type Envelope,
} from "../../audit/advisories/feed/envelope.ts";
import {
  encodeMetadata,
  parseMetadata,
  type FeedRoot,
  type Metadata,
  type MetadataOf,
  type RoleName,
} from "../../audit/advisories/feed/metadata.ts";

type Store = Pick<Files, "read" | "status" | "list" | "writeAtomic" | "makeDirectory" | "remove">;

export class Publisher {
  readonly #files: Store;
  readonly directory: string;

  constructor(files: Store, directory: string) {
    this.#files = files;
    this.directory = directory;
  }

  async #envelope(name: string): Promise<Envelope | null> {
    const file = `${this.directory}/${name}`;
    if ((await this.#files.status(file)) === null) return null;
    try {
      return parseEnvelope(await this.#files.read(file, { limit: envelopeLimit }), name);
    } catch (error) {
      throw at(error, { file });
    }
  }

  /** The newest root that is in place; null before the first. */
  async root(): Promise<FeedRoot | null> {
    const names =
      (await this.#files.status(this.directory)) === null ? [] : await this.#files.list(this.directory);
    const versions = names.map((name) => Number(/^([0-9]{1,9})\.root\.json$/.exec(name)?.[1] ?? 0));
    const newest = Math.max(0, ...versions);
    const envelope = newest === 0 ? null : await this.#envelope(`${newest}.root.json`);
    return envelope === null ? null : parseMetadata("root", envelope.payload);
  }

  async requiredRoot(): Promise<FeedRoot> {
    const root = await this.root();
    if (root === null)
      throw new NixsealError("not-found", `${this.directory} has no signed root`, {
        hint: "make one with 'nixseal advisories root', then 'nixseal advisories sign DIR root'",
      });
    return root;
  }

  /** What clients see now; null before the first time. */
  async published(): Promise<Published | null> {
    const stamp = await this.#envelope("timestamp.json");
    if (stamp === null) return null;
    const timestamp = parseMetadata("timestamp", stamp.payload);
    const snapshot = await this.#named("snapshot", timestamp.snapshot.version);
    const [targets, critical] = [snapshot.targets.version, snapshot.critical.version];
    return {
      timestamp,
      snapshot,
      targets: await this.#named("targets", targets),
      critical: await this.#named("critical", critical),
    };
  }

  async #named<R extends RoleName>(role: R, version: number): Promise<MetadataOf<R>> {
    const envelope = await this.#envelope(`${version}.${role}.json`);
    if (envelope === null)
      throw new NixsealError("not-found", `${this.directory} has no ${version}.${role}.json`);
    return parseMetadata(role, envelope.payload);
  }

  async draft(role: RoleName): Promise<Envelope | null> {
    return this.#envelope(`draft/${role}.json`);
  }

  async writeDraft(metadata: Metadata): Promise<void> {
    await this.writeDraftEnvelope(metadata.type, { payload: encodeMetadata(metadata), signatures: [] });
  }

  async writeDraftEnvelope(role: RoleName, envelope: Envelope): Promise<void> {
    await this.#files.makeDirectory(`${this.directory}/draft`, { mode: 0o755, parents: true });
    await this.#files.writeAtomic(`${this.directory}/draft/${role}.json`, formatEnvelope(envelope), {
      mode: 0o644,
    });
  }

  /** Puts signed drafts where clients look, the timestamp last: before it nobody knows of the others. */
  async place(drafts: readonly (readonly [RoleName, Envelope])[]): Promise<void> {
    const order = ["root", "targets", "critical", "snapshot", "timestamp"];
    for (const [role, envelope] of [...drafts].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))) {
      const { version } = parseMetadata(role, envelope.payload);
      const name = role === "timestamp" ? "timestamp.json" : `${version}.${role}.json`;
      await this.#files.writeAtomic(`${this.directory}/${name}`, formatEnvelope(envelope), { mode: 0o644 });
    }
    for (const [role] of drafts) await this.#files.remove(`${this.directory}/draft/${role}.json`);
  }
}

/** How many signatures are still missing under this root. */
export function missingSignatures(role: RoleName, envelope: Envelope, root: FeedRoot): number {
  const { keys, threshold } = root.roles[role];
  return Math.max(0, threshold - signersAmong(role, envelope, keys));
}
