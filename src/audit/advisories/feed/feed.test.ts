import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { readFileSync, writeFileSync } from "node:fs";
import { concat, utf8 } from "../../../core/bytes.ts";
import { files } from "../../../system/files.ts";
import type { Ed25519PrivateKey } from "../../../ssh/private-key-material.ts";
import { privateKeySigner, signMessage } from "../../../ssh/signer.ts";
import { fixedKey } from "../../../../test/support/ssh-artifacts.ts";
import { temporaryDirectory } from "../../../../test/support/temporary.ts";
import { emptyAdvisory, everyVersion } from "../advisory.ts";
import { buildIndex } from "../index/build.ts";
import { formatBundle, parseBundle } from "./bundle.ts";
import { draftFeed, type Published } from "./draft.ts";
import { formatEnvelope, namespaceOf, parseEnvelope } from "./envelope.ts";
import {
  encodeMetadata,
  parseMetadata,
  sha256Hex,
  type FeedRoot,
  type Metadata,
  type RoleName,
} from "./metadata.ts";
import type { Role } from "./role.ts";
import { layerName, type FeedSource } from "./source.ts";
import { openAdvisories, readSeen, staleSince } from "./store.ts";
import { updateFeed, type Updated } from "./update.ts";

const [alice, bob, ci, mallory] = [1, 2, 3, 4].map(fixedKey) as [
  Ed25519PrivateKey,
  Ed25519PrivateKey,
  Ed25519PrivateKey,
  Ed25519PrivateKey,
];
type Holders = Readonly<Record<RoleName, readonly Ed25519PrivateKey[]>>;
const holders: Holders = {
  root: [alice, bob],
  critical: [alice, bob],
  targets: [alice],
  snapshot: [ci],
  timestamp: [ci],
};
const day = 86_400_000;
const start = new Date("2026-01-01T00:00:00Z");
const after = (days: number): Date => new Date(start.getTime() + days * day);
const lifetimes = { timestamp: 2, others: 30 };

function rootOf(keys: Holders, version = 1, more: Partial<FeedRoot> = {}): FeedRoot {
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

async function signed(
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
class Feed {
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

const serve = (map: ReadonlyMap<string, Uint8Array>): FeedSource =>
  parseBundle(formatBundle([...map].map(([name, bytes]) => ({ name, bytes }))));

class Client {
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

async function begin(context: TestContext): Promise<{ feed: Feed; client: Client }> {
  const feed = await new Feed().publish(start, "first");
  await feed.put(feed.root);
  const client = new Client(context, feed.files.get("1.root.json")!);
  await client.update(feed, after(0));
  return { feed, client };
}

test("a first update, a second with new content, a third with nothing new", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(1), "second");
  assert.equal((await client.update(feed, after(1))).fetched.length, 1);
  assert.equal((await client.update(feed, after(1))).fetched.length, 0);
  const { set, seen } = await openAdvisories(files, client.directory);
  assert.equal(set.layers[0]!.index.advisory(0).summary, "second");
  assert.deepEqual([...set.critical], ["CVE-2026-0001"]);
  assert.equal(staleSince(seen, after(2)), null);
  assert.deepEqual(staleSince(seen, after(3)), after(3));
});

test("without a root from a person nothing is believed", async (context) => {
  const feed = await new Feed().publish(start, "first");
  const options = { files, directory: temporaryDirectory(context), source: serve(feed.files), clock: start };
  await assert.rejects(updateFeed({ ...options, firstRoot: null }), { code: "refused", hint: /--root/ });
  const stranger = await signed(feed.root, [alice, mallory]);
  await assert.rejects(updateFeed({ ...options, firstRoot: stranger }), {
    code: "refused",
    message: /1 of the 2 signatures/,
  });
});

test("rollback: yesterday's feed is refused today, whole or in parts", async (context) => {
  const { feed, client } = await begin(context);
  const old = feed.copy();
  await feed.publish(after(1), "second");
  await client.update(feed, after(1));
  await assert.rejects(client.update(old, after(1)), {
    code: "refused",
    message: /timestamp version 1 is older than version 2/,
  });
  // A stolen timestamp and snapshot key cannot bring old targets back.
  const { snapshot, timestamp } = feed.published!;
  const back = {
    ...snapshot,
    version: 9,
    targets: { ...snapshot.targets, ...reference(old.get("1.targets.json")!) },
  };
  feed.files.set("1.targets.json", old.get("1.targets.json")!);
  await feed.put(back);
  await feed.put({ ...timestamp, version: 9, snapshot: referenceOf(back) });
  await assert.rejects(client.update(feed, after(1)), {
    code: "refused",
    message: /targets version 1 is older than version 2/,
  });
});

function reference(envelope: Uint8Array): { version: number; length: number; digest: string } {
  const { payload } = parseEnvelope(envelope, "test");
  return { version: 1, length: payload.length, digest: sha256Hex(payload) };
}

function referenceOf(metadata: Metadata): { version: number; length: number; digest: string } {
  const bytes = encodeMetadata(metadata);
  return { version: metadata.version, length: bytes.length, digest: sha256Hex(bytes) };
}

test("another document under a version that was seen", async (context) => {
  const { feed, client } = await begin(context);
  await feed.put({ ...feed.published!.timestamp, issued: new Date(start.getTime() + 1000) });
  await assert.rejects(client.update(feed, after(0)), {
    code: "refused",
    message: /another timestamp has version 1/,
  });
});

test("freeze: what is out of date is stale, never clean; so is every role's and the root's", async (context) => {
  const { feed, client } = await begin(context);
  await assert.rejects(client.update(feed, after(2)), {
    code: "stale",
    message: /timestamp version 1 expired/,
  });
  await feed.publish(after(30), null);
  await assert.rejects(client.update(feed, after(30)), {
    code: "stale",
    message: /snapshot version 1 expired/,
  });
  await feed.publish(after(364), "later");
  await assert.rejects(client.update(feed, after(365)), { code: "stale", message: /root version 1 expired/ });
  const { seen } = await openAdvisories(files, client.directory);
  assert.deepEqual(staleSince(seen, after(2)), after(2));
});

test("a clock set back revives nothing", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(10), "second");
  await client.update(feed, after(10));
  const frozen = feed.copy();
  await feed.publish(after(20), "third");
  await client.update(feed, after(20));
  await assert.rejects(client.update(frozen, after(1)), { code: "refused" });
  const { seen } = await openAdvisories(files, client.directory);
  assert.deepEqual(seen.time, after(20));
  // Expired when the newest time that was accepted has passed it, whatever the clock says.
  await feed.put({ ...feed.published!.timestamp, version: 9, expires: after(19) });
  await assert.rejects(client.update(feed, after(1)), { code: "stale" });
});

test("a feed from the future is refused, and does not move time", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(9), "second");
  await assert.rejects(client.update(feed, after(1)), { code: "refused", message: /was made at 2026-01-10/ });
  assert.deepEqual((await readSeen(files, client.directory))!.time, start);
});

test("mixed: metadata or layers that the signed metadata does not name", async (context) => {
  const { feed, client } = await begin(context);
  const old = feed.copy();
  await feed.publish(after(1), "second");
  for (const role of ["snapshot", "targets", "critical"]) {
    const mixed = feed.copy();
    mixed.set(`2.${role}.json`, old.get(`1.${role}.json`)!);
    await assert.rejects(
      client.update(mixed, after(1)),
      { code: "refused", message: new RegExp(`${role} is not the one`) },
      role,
    );
  }
  const [layer] = feed.published!.targets.layers;
  const name = layerName(layer!.digest);
  const flipped = Uint8Array.from(feed.files.get(name)!);
  flipped[flipped.length - 1]! ^= 1;
  await assert.rejects(client.update(new Map([...feed.files, [name, flipped]]), after(1)), {
    code: "refused",
    message: /is not what the feed has signed/,
  });
  await client.update(feed, after(1));
});

test("longer than declared, and endless metadata", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(1), "second");
  const name = layerName(feed.published!.targets.layers[0]!.digest);
  const longer = new Map([...feed.files, [name, concat(feed.files.get(name)!, utf8("xxxx"))]]);
  await assert.rejects(client.update(longer, after(1)), { code: "refused", message: /larger than/ });
  const endless = new Map([...feed.files, ["timestamp.json", new Uint8Array(3 << 20).fill(32)]]);
  await assert.rejects(client.update(endless, after(1)), { code: "refused", message: /larger than/ });
});

test("thresholds: too few, one key twice, a stranger, another role's key, another role's signature", async (context) => {
  const { feed, client } = await begin(context);
  await feed.publish(after(1), "second");
  const good = feed.copy();
  const { critical, targets, timestamp } = feed.published!;
  const tries: readonly (readonly [string, Uint8Array])[] = [
    ["2.critical.json", await signed(critical, [alice])],
    ["2.critical.json", await signed(critical, [alice, alice])],
    ["2.critical.json", await signed(critical, [alice, mallory])],
    ["2.targets.json", await signed(targets, [])],
    ["2.targets.json", await signed(targets, [bob])],
    ["timestamp.json", await signed(timestamp, [alice])],
    ["timestamp.json", await signed(timestamp, [ci], namespaceOf("snapshot"))],
  ];
  for (const [name, bytes] of tries)
    await assert.rejects(
      client.update(new Map([...good, [name, bytes]]), after(1)),
      { code: "refused", message: /signatures/ },
      name,
    );
  await client.update(good, after(1));
});

test("keys rotate by the old and the new ones; a step cannot be left out, forged or of another feed", async (context) => {
  const { feed, client } = await begin(context);
  const before = feed.copy();
  const [carol] = [fixedKey(5)];
  const next: Holders = { ...holders, root: [alice, carol], timestamp: [carol] };
  for (const signers of [[alice, carol], [alice, bob], [mallory]]) {
    const attempt = new Feed();
    await attempt.rotate(next, signers);
    const files_ = new Map([...before, ...attempt.files]);
    await assert.rejects(client.update(files_, after(0)), { code: "refused", message: /signatures/ });
  }
  const foreign = new Feed();
  await foreign.rotate(next, [alice, bob, carol], { feed: "other" });
  await assert.rejects(client.update(new Map([...before, ...foreign.files]), after(0)), {
    code: "refused",
    message: /feed 'other'/,
  });
  await feed.rotate(next, [alice, bob, carol]);
  await assert.rejects(client.update(feed, after(0)), {
    code: "refused",
    message: /timestamp has 0 of the 1/,
  });
  assert.equal(
    (await readSeen(files, client.directory))!.root.version,
    2,
    "the root stays, though the rest was refused",
  );
  await assert.rejects(
    client.update(before, after(0)),
    { code: "refused" },
    "the old key is worth nothing any more",
  );
  await feed.publish(after(1), "second");
  await client.update(feed, after(1));
  await feed.rotate(next, [alice, carol]);
  const skipped = feed.copy();
  skipped.set("4.root.json", skipped.get("3.root.json")!);
  skipped.delete("3.root.json");
  assert.equal((await client.update(skipped, after(1))).seen.root.version, 2, "a gap ends the walk");
  assert.equal((await client.update(feed, after(1))).seen.root.version, 3);
});

test("after a stolen timestamp key ran the version up, new keys begin again", async (context) => {
  const { feed, client } = await begin(context);
  const honest = feed.copy();
  await feed.put({ ...feed.published!.timestamp, version: 2 ** 31 - 1 });
  await client.update(feed, after(0));
  await assert.rejects(client.update(honest, after(0)), { code: "refused" });
  await feed.rotate({ ...holders, timestamp: [bob] }, [alice, bob]);
  feed.published = { ...feed.published!, timestamp: { ...feed.published!.timestamp, version: 1 } };
  await feed.publish(after(1), "second");
  await client.update(feed, after(1));
});

test("a root in which critical needs no more hands than targets is none", () => {
  const weak = { ...holders, critical: [alice] };
  assert.throws(() => parseMetadata("root", encodeMetadata(rootOf(weak))), {
    code: "malformed",
    message: /threshold above/,
  });
});

test("an update that fails leaves what was there; damaged memory is an error, not a fresh start", async (context) => {
  const { feed, client } = await begin(context);
  const seenFile = `${client.directory}/seen.json`;
  const kept = readFileSync(seenFile);
  await feed.publish(after(1), "second");
  feed.files.delete(layerName(feed.published!.targets.layers[0]!.digest));
  await assert.rejects(client.update(feed, after(1)), { code: "not-found" });
  assert.deepEqual(readFileSync(seenFile), kept);
  writeFileSync(seenFile, "{}\n");
  await assert.rejects(client.update(feed, after(1)), { code: "malformed" });
});

test("one byte changed anywhere in a bundle is never accepted as something else", async (context) => {
  const { feed, client } = await begin(context);
  const bundle = formatBundle([...feed.files].map(([name, bytes]) => ({ name, bytes })));
  const { seen } = await client.update(feed, after(0));
  for (let offset = 0; offset < bundle.length; offset += 37) {
    const changed = Uint8Array.from(bundle);
    changed[offset]! ^= 0x11;
    try {
      const updated = await client.update(parseBundle(changed), after(0));
      assert.deepEqual(updated.seen, seen);
    } catch (error) {
      assert.match(
        String((error as { code?: string }).code),
        /^(?:malformed|refused|limit|not-found)$/,
        `${offset}: ${String(error)}`,
      );
    }
  }
});
