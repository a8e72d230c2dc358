/** One contract, two engines: files in a directory, and real etcd servers over mutual TLS. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { utf8 } from "../../src/core/bytes.ts";
import { etcdState } from "../../src/state/etcd-state.ts";
import { acquireLease } from "../../src/state/lease.ts";
import { filesState } from "../../src/state/files-state.ts";
import { largestValue, type State } from "../../src/state/state.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { https } from "../../src/system/https.ts";
import { random } from "../../src/system/random.ts";
import { startEtcd, type Etcd } from "../support/etcd.ts";
import { temporaryDirectory } from "../support/temporary.ts";

let cluster: Etcd;
const stop: (() => void)[] = [];
let spaces = 0;

before(async () => {
  // Those two fields of a test's context are all that the servers need.
  cluster = await startEtcd({ after: (work: () => void) => stop.push(work) } as unknown as TestContext, 1);
});
after(() => stop.toReversed().forEach((work) => work()));

const engines: Record<string, (context: TestContext) => State> = {
  files: (context) => filesState(files, join(temporaryDirectory(context), "state")),
  "real etcd": () => etcdState(https, clock, { ...cluster, prefix: `/nixseal/t${spaces++}/` }),
};

const [a, b] = [utf8("a"), utf8("b")];

for (const [engine, open] of Object.entries(engines)) {
  test(`${engine}: a value is written once, replaced only by whoever saw it, and removed likewise`, async (t) => {
    const state = open(t);
    assert.equal(await state.get("lease/web1"), null);
    assert.equal(await state.swap("lease/web1", a, b), false, "nothing is there yet");
    assert.equal(await state.swap("lease/web1", null, a), true);
    assert.equal(await state.swap("lease/web1", null, b), false);
    assert.equal(await state.swap("lease/web1", b, b), false);
    assert.deepEqual(await state.get("lease/web1"), a);
    assert.equal(await state.swap("lease/web1", a, b), true);
    assert.equal(await state.swap("lease/web1", a, null), false);
    assert.equal(await state.swap("lease/web1", b, null), true);
    assert.equal(await state.get("lease/web1"), null);
    assert.equal(await state.swap("lease/web1", null, new Uint8Array()), true, "an empty value is a value");
    assert.deepEqual(await state.get("lease/web1"), new Uint8Array());
    assert.equal(await state.swap("lease/web1", null, a), false);
  });

  test(`${engine}: lists keys by prefix, in both orders, in pages`, async (t) => {
    const state = open(t);
    assert.deepEqual(await state.list("log/", { limit: 9 }), []);
    const keys = ["log/1", "log/2", "log/3", "log/3/x", "log/31", "login", "a/log/1"];
    for (const key of keys) assert.equal(await state.swap(key, null, utf8(key)), true);
    const list = async (prefix: string, options: Parameters<State["list"]>[1]) =>
      (await state.list(prefix, options)).map(({ key, value }) => {
        assert.deepEqual(value, utf8(key));
        return key;
      });
    assert.deepEqual(await list("log/", { limit: 9 }), ["log/1", "log/2", "log/3", "log/3/x", "log/31"]);
    assert.deepEqual(await list("log/", { limit: 2, after: "log/2" }), ["log/3", "log/3/x"]);
    assert.deepEqual(await list("log/", { limit: 1, order: "descending" }), ["log/31"]);
    assert.deepEqual(await list("log/", { limit: 9, order: "descending", after: "log/3" }), [
      "log/2",
      "log/1",
    ]);
    assert.deepEqual(await list("log/", { limit: 9, after: "z" }), []);
  });

  test(`${engine}: of many writers at once exactly one wins each round`, async (t) => {
    const state = open(t);
    let current: Uint8Array | null = null;
    for (let round = 0; round < 5; round++) {
      const wishes = Array.from({ length: 8 }, (_, writer) => utf8(`${round} ${writer}`));
      const won = await Promise.all(wishes.map((wish) => state.swap("counter", current, wish)));
      assert.equal(won.filter(Boolean).length, 1);
      current = wishes[won.indexOf(true)]!;
      assert.deepEqual(await state.get("counter"), current);
    }
  });

  test(`${engine}: one operator has a lease at a time, and each next holder's token is higher`, async (t) => {
    const state = open(t);
    let now = new Date("2026-01-01T00:00:00Z");
    const world = { random, clock: { ...clock, now: () => now } };
    const ask = (holder: string) => acquireLease(state, world, { name: "host/web1", holder, term: 30_000 });
    const first = await ask("alice@desk");
    assert.equal(first.token, 1);
    await assert.rejects(ask("bob@desk"), {
      code: "conflict",
      message: "host/web1 is held by alice@desk until 2026-01-01T00:00:30.000Z",
    });
    now = new Date("2025-12-31T00:00:00Z"); // as a machine whose clock is a day behind sees it
    await assert.rejects(ask("bob@desk"), {
      code: "conflict",
      hint: /clocks is wrong.*remove lease\/host\/web1/,
    });
    now = new Date("2026-01-01T00:00:20Z");
    await first.renew();
    now = new Date("2026-01-01T00:00:45Z");
    await assert.rejects(ask("bob@desk"), { code: "conflict" }, "it was renewed");

    now = new Date("2026-01-01T00:01:00Z"); // alice died
    const second = await ask("bob@desk");
    assert.equal(second.token, 2);
    await assert.rejects(first.renew(), { code: "conflict", message: /held by bob@desk/ }, "alice wakes up");
    await first.release();
    await assert.rejects(ask("carol@desk"), { code: "conflict" }, "a lost lease gives nothing back");
    await second.release();
    await second.release();
    assert.equal((await ask("carol@desk")).token, 3, "the count goes on over releases");

    const brief = await acquireLease(state, world, { name: "host/web5", holder: "alice@desk", term: 30_000 });
    now = new Date("2026-01-01T00:01:10Z");
    const renewal = brief.renew();
    await brief.release(); // the work has ended while a renewal is on its way
    await renewal;
    await brief.renew();
    await acquireLease(state, world, { name: "host/web5", holder: "bob@desk", term: 30_000 });

    const elsewhere = { name: "host/web3", holder: "dave@desk", term: 30_000, seen: 41 };
    assert.equal(
      (await acquireLease(state, world, elsewhere)).token,
      42,
      "this state knows of no former holder",
    );

    const invented = { name: "host/web4", holder: "dave@desk", term: 30_000, seen: Number.MAX_SAFE_INTEGER };
    const high = await acquireLease(state, world, invented);
    await high.release();
    assert.ok((await acquireLease(state, world, invented)).token > high.token, "nobody can use the count up");

    const crowd = await Promise.allSettled(
      Array.from({ length: 6 }, (_, one) =>
        acquireLease(state, world, { name: "host/web2", holder: `operator ${one}`, term: 30_000 }),
      ),
    );
    assert.equal(crowd.filter(({ status }) => status === "fulfilled").length, 1);
  });

  test(`${engine}: a damaged lease is not taken for a free one`, async (t) => {
    const state = open(t);
    for (const [index, text] of [
      "",
      "{}",
      '{"holder":null,"nonce":"","token":0,"until":null}',
      "[]",
      // The largest number there is: the next one would be none, and every lease after it refused.
      `{"holder":null,"nonce":"${"0".repeat(32)}","token":${Number.MAX_SAFE_INTEGER},"until":null}`,
    ].entries()) {
      assert.equal(await state.swap(`lease/d${index}`, null, utf8(text)), true);
      const asked = acquireLease(state, { clock, random }, { name: `d${index}`, holder: "x", term: 1 });
      await assert.rejects(asked, { code: "malformed", hint: /remove it/ });
    }
  });

  test(`${engine}: what is too large, and what is no key`, async (t) => {
    const state = open(t);
    const large = new Uint8Array(largestValue).fill(7);
    assert.equal(await state.swap("large", null, large), true);
    assert.deepEqual(await state.get("large"), large);
    await assert.rejects(state.swap("large", large, new Uint8Array(largestValue + 1)), { code: "limit" });
    for (const key of ["", ".lock", "a//b", "/a", "a/", "a/../b", "a%b", "a b", "a\0", "x".repeat(201)])
      await assert.rejects(state.swap(key, null, a), { code: "bug" }, key);
  });
}

test("files: other files in the directory are none of its keys, and a planted symlink is not followed", async (t) => {
  const directory = join(temporaryDirectory(t), "state");
  const state = filesState(files, directory);
  mkdirSync(directory);
  writeFileSync(join(directory, ".k.1234.tmp"), "left by a power cut");
  assert.equal(await state.swap("k", null, a), true);
  assert.deepEqual(await state.list("", { limit: 9 }), [{ key: "k", value: a }]);
  await files.symlink("/etc/hostname", join(directory, "s"));
  await assert.rejects(state.get("s"), { code: "io" });
  assert.deepEqual(readdirSync(directory).sort(), [".k.1234.tmp", ".lock", "k", "s"]);
});

test("real etcd: a certificate of another authority, and a server of another authority, are refused", async () => {
  const { identity, stranger, endpoints } = cluster;
  const one = { endpoints, prefix: "/x/" };
  const brief = { ...clock, now: () => new Date(), sleep: async () => undefined };
  const noTime = { ...brief, now: stepping() };
  await assert.rejects(etcdState(https, noTime, { ...one, identity: stranger }).get("k"), /\/v3\/kv\/range/);
  const wrongServer = { ...identity, authorities: stranger.certificate };
  await assert.rejects(etcdState(https, noTime, { ...one, identity: wrongServer }).get("k"), {
    code: "refused",
  });
  await assert.rejects(
    etcdState(https, noTime, { ...one, identity, endpoints: ["https://127.0.0.1:1"] }).get("k"),
    { code: "io" },
  );
});

/** Each look at the clock is a minute later: nobody waits for the end of patience. */
function stepping(): () => Date {
  let time = Date.now();
  return () => new Date((time += 60_000));
}

test("three real etcd servers: nothing is lost or written twice when the leader is killed in the middle", async (t) => {
  const three = await startEtcd(t, 3);
  const state = etcdState(https, clock, { ...three, prefix: "/nixseal/three/" });
  let current: Uint8Array | null = null;
  for (let count = 0; count < 40; count++) {
    const next = utf8(`count ${count}`);
    if (count === 20) three.killLeader();
    assert.equal(await state.swap("counter", current, next), true, `at ${count}`);
    current = next;
  }
  assert.deepEqual(await state.get("counter"), current);
});
