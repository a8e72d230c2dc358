import assert from "node:assert/strict";
import { test } from "node:test";
import { files } from "../../../system/files.ts";
import {
  after,
  holders,
  alice,
  begin,
  bob,
  ci,
  Feed,
  mallory,
  rootOf,
  signed,
  type Holders,
} from "../../../../test/support/advisory-publisher.ts";
import { fixedKey } from "../../../../test/support/ssh-artifacts.ts";
import { namespaceOf } from "./envelope.ts";
import { encodeMetadata, parseMetadata } from "./metadata.ts";
import { readSeen } from "./store.ts";

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

test("a later root under the name of the next one is not the next one", async (context) => {
  const { feed, client } = await begin(context);
  await feed.rotate(holders, [alice, bob]);
  await feed.rotate(holders, [alice, bob]);
  feed.files.set("2.root.json", feed.files.get("3.root.json")!);
  await assert.rejects(client.update(feed, after(0)), { code: "refused", message: /does not follow/ });
});
