import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { concat, utf8 } from "../../../core/bytes.ts";
import { files } from "../../../system/files.ts";
import {
  after,
  alice,
  begin,
  Feed,
  mallory,
  serve,
  signed,
  start,
} from "../../../../test/support/advisory-publisher.ts";
import { temporaryDirectory } from "../../../../test/support/temporary.ts";
import { formatBundle, parseBundle } from "./bundle.ts";
import { parseEnvelope } from "./envelope.ts";
import { encodeMetadata, sha256Hex, type Metadata } from "./metadata.ts";
import { layerName } from "./source.ts";
import { openAdvisories, readSeen, staleSince } from "./store.ts";
import { updateFeed } from "./update.ts";

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
