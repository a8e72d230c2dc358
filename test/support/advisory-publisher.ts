/** A feed and who follows it, in process: for tests of what a client must refuse. */
import type { TestContext } from "node:test";
import { emptyAdvisory, everyVersion } from "../../src/audit/advisories/advisory.ts";
import { formatBundle, parseBundle } from "../../src/audit/advisories/feed/bundle.ts";
import { draftFeed, type Published } from "../../src/audit/advisories/feed/draft.ts";
import { formatEnvelope, namespaceOf } from "../../src/audit/advisories/feed/envelope.ts";
import {
  encodeMetadata,
  sha256Hex,
  type FeedRoot,
  type Metadata,
  type RoleName,
} from "../../src/audit/advisories/feed/metadata.ts";
import type { Role } from "../../src/audit/advisories/feed/role.ts";
import { layerName, type FeedSource } from "../../src/audit/advisories/feed/source.ts";
import { updateFeed, type Updated } from "../../src/audit/advisories/feed/update.ts";
import { buildIndex } from "../../src/audit/advisories/index/build.ts";
import type { Ed25519PrivateKey } from "../../src/ssh/private-key-material.ts";
import { privateKeySigner, signMessage } from "../../src/ssh/signer.ts";
import { files } from "../../src/system/files.ts";
import { fixedKey } from "./ssh-artifacts.ts";
import { temporaryDirectory } from "./temporary.ts";

export const [alice, bob, ci, mallory] = [1, 2, 3, 4].map(fixedKey) as [
  Ed25519PrivateKey,
  Ed25519PrivateKey,
  Ed25519PrivateKey,
  Ed25519PrivateKey,
];
export type Holders = Readonly<Record<RoleName, readonly Ed25519PrivateKey[]>>;
export const holders: Holders = {
  root: [alice, bob],
  critical: [alice, bob],
  targets: [alice],
  snapshot: [ci],
  timestamp: [ci],
};
const day = 86_400_000;
export const start = new Date("2026-01-01T00:00:00Z");
export const after = (days: number): Date => new Date(start.getTime() + days * day);
const lifetimes = { timestamp: 2, others: 30 };

export function rootOf(keys: Holders, version = 1, more: Partial<FeedRoot> = {}): FeedRoot {
  const role = (list: readonly Ed25519PrivateKey[]): Role => ({
    keys: list.map((key) => key.publicKey),
    threshold: list.length,
  });
  const { root, critical, targets, snapshot, timestamp } = keys;
  const roles = {
    root: role(root),
    critical: role(critical),
    targets: role(targets),
    snapshot: role(snapshot),
    timestamp: role(timestamp),
  };
  return { type: "root", feed: "test", version, expires: after(365), roles, ...more };
}

export async function signed(
  metadata: Metadata,
  keys: readonly Ed25519PrivateKey[],
  namespace = namespaceOf(metadata.type),
): Promise<Uint8Array> {
  const payload = encodeMetadata(metadata);
  const signatures = await Promise.all(
    keys.map((key) => signMessage(payload, namespace, privateKeySigner(key))),
  );
  return formatEnvelope({ payload, signatures });
}

/** A publisher in memory: the files of a feed by their names. */
export class Feed {
  readonly files = new Map<string, Uint8Array>();
  root: FeedRoot;
  keys: Holders;
  published: Published | null = null;

  constructor(keys: Holders = holders) {
    this.keys = keys;
    this.root = rootOf(keys);
  }

  async publish(issued: Date, summary: string | null): Promise<this> {
    let content = null;
    if (summary !== null) {
      const affected = [
        {
          kind: "purl" as const,
          name: "nix/foo",
          vendor: "",
          target: "",
          reason: "",
          source: "",
          ranges: [everyVersion("affected")],
        },
      ];
      const bytes = buildIndex([{ ...emptyAdvisory, id: "CVE-2026-0001", summary, affected }]);
      const layer = { digest: sha256Hex(bytes), length: bytes.length };
      this.files.set(layerName(layer.digest), bytes);
      content = { layers: [layer], critical: ["CVE-2026-0001"] };
    }
    const draft = draftFeed(this.root, this.published, content, issued, lifetimes);
    this.published = { ...this.published, ...draft } as Published;
    for (const metadata of Object.values(draft)) await this.put(metadata);
    return this;
  }

  async put(metadata: Metadata, keys = this.keys[metadata.type]): Promise<void> {
    const name =
      metadata.type === "timestamp" ? "timestamp.json" : `${metadata.version}.${metadata.type}.json`;
    this.files.set(name, await signed(metadata, keys));
  }

  async rotate(
    next: Holders,
    signers: readonly Ed25519PrivateKey[],
    more: Partial<FeedRoot> = {},
  ): Promise<void> {
    this.keys = next;
    this.root = rootOf(next, this.root.version + 1, more);
    await this.put(this.root, signers);
  }

  copy(): Map<string, Uint8Array> {
    return new Map(this.files);
  }
}

export const serve = (map: ReadonlyMap<string, Uint8Array>): FeedSource =>
  parseBundle(formatBundle([...map].map(([name, bytes]) => ({ name, bytes }))));

export class Client {
  readonly directory: string;
  readonly #root: Uint8Array;

  constructor(context: TestContext, root: Uint8Array) {
    this.directory = temporaryDirectory(context);
    this.#root = root;
  }

  update(from: Feed | ReadonlyMap<string, Uint8Array> | FeedSource, clock: Date): Promise<Updated> {
    const source =
      from instanceof Feed ? serve(from.files) : from instanceof Map ? serve(from) : (from as FeedSource);
    return updateFeed({ files, directory: this.directory, source, firstRoot: this.#root, clock });
  }
}

export async function begin(context: TestContext): Promise<{ feed: Feed; client: Client }> {
  const feed = await new Feed().publish(start, "first");
  await feed.put(feed.root);
  const client = new Client(context, feed.files.get("1.root.json")!);
  await client.update(feed, after(0));
  return { feed, client };
}
