import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { gateConfigJson } from "../../test/support/gate-config.ts";
import { keys, rootOf, signedRoot, start } from "../../test/support/roots.ts";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { alice, bob, signed, warrant } from "../../test/support/warrants.ts";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { files } from "../system/files.ts";
import { formatEnvelope } from "../trust/root/envelope.ts";
import { linkOf } from "../trust/warrant/sequence.ts";
import { nothingAccepted, stateAfter } from "../trust/warrant/state.ts";
import { parseGateConfig } from "./config.ts";
import { readGuard, writeGuard } from "./guard.ts";
import { gatePaths } from "./paths.ts";
import {
  pendingDigests,
  readActive,
  readLinks,
  readPending,
  removePending,
  writeActive,
  writePending,
} from "./pending.ts";
import { gateTime, readKnowledge, writeKnowledge } from "./state.ts";
import { decideTrust } from "./trust.ts";

const config = parseGateConfig(utf8(JSON.stringify(gateConfigJson)));

async function host(t: TestContext) {
  const paths = gatePaths(temporaryDirectory(t), config);
  const root = await signedRoot(rootOf(), [keys[0]!]);
  mkdirSync(dirname(paths.anchor), { recursive: true });
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(paths.anchor, formatEnvelope(root));
  const envelope = await signed(warrant(), alice, bob);
  return { paths, root, envelope };
}

test("trust begins with the administrator's root, and what was accepted is kept", async (t) => {
  const { paths, envelope } = await host(t);
  const first = await readKnowledge(files, paths, config);
  assert.deepEqual(first.accepted, nothingAccepted);
  assert.equal(first.trust.krl, null);
  const accepted = stateAfter(nothingAccepted, envelope.warrant, envelope.digest);
  await writeKnowledge(files, paths, { ...first, accepted });
  assert.deepEqual((await readKnowledge(files, paths, config)).accepted, accepted);
  rmSync(paths.anchor); // from now on the kept one counts
  const kept = await readKnowledge(files, paths, config);
  assert.equal(kept.trust.root.root.version, 1);
  const past = { now: () => new Date("2001-01-01T00:00:00Z") };
  assert.deepEqual(gateTime(past, kept), envelope.warrant.notBefore);
});

test("a root of another fleet or without its signatures begins nothing", async (t) => {
  const { paths } = await host(t);
  writeFileSync(paths.anchor, formatEnvelope(await signedRoot(rootOf({ fleet: "other" }), [keys[0]!])));
  await assert.rejects(readKnowledge(files, paths, config), { code: "config" });
  writeFileSync(paths.anchor, formatEnvelope(await signedRoot(rootOf(), [keys[1]!])));
  await assert.rejects(readKnowledge(files, paths, config), { code: "refused" });
});

test("accepted warrants without their root are damage, not a beginning", async (t) => {
  const { paths, envelope } = await host(t);
  const first = await readKnowledge(files, paths, config);
  const accepted = stateAfter(nothingAccepted, envelope.warrant, envelope.digest);
  await writeKnowledge(files, paths, { ...first, accepted });
  rmSync(paths.trust);
  await assert.rejects(readKnowledge(files, paths, config), { code: "refused" });
});

test("no bit of a state file can turn without being noticed", async (t) => {
  const { paths, envelope } = await host(t);
  const first = await readKnowledge(files, paths, config);
  const accepted = stateAfter(nothingAccepted, envelope.warrant, envelope.digest);
  await writeKnowledge(files, paths, { ...first, accepted });
  await writeGuard(files, paths, {
    fence: 4,
    last: { warrant: envelope.digest, count: 1, outcome: "active" },
  });
  await writeActive(files, paths, envelope);
  await writePending(files, paths, envelope, [linkOf(envelope)]);
  const links = join(paths.pending, `${envelope.digest}.links`);
  const readers: [string, () => Promise<unknown>][] = [
    [paths.trust, () => readKnowledge(files, paths, config)],
    [paths.accepted, () => readKnowledge(files, paths, config)],
    [paths.guard, () => readGuard(files, paths)],
    [links, () => readLinks(files, paths, envelope.digest)],
  ];
  for (const [file, read] of readers) {
    await read();
    const good = readFileSync(file);
    for (let place = 0; place < good.length; place += Math.max(1, good.length >> 6)) {
      const changed = Buffer.from(good);
      changed[place]! ^= 1 << (place % 8);
      writeFileSync(file, changed);
      await assert.rejects(read(), (error) => error instanceof NixsealError && error.code === "malformed");
    }
    for (const size of [0, 1, good.length >> 1, good.length - 1]) {
      writeFileSync(file, good.subarray(0, size));
      await assert.rejects(read(), { code: "malformed" }, `${file} of ${size} bytes`);
    }
    writeFileSync(file, good);
  }
  assert.deepEqual(await readActive(files, paths), envelope);
});

test("an offered warrant is kept under its digest, with what was proved of those between", async (t) => {
  const { paths, envelope } = await host(t);
  assert.deepEqual(await pendingDigests(files, paths), []);
  await writePending(files, paths, envelope, [linkOf(envelope)]);
  assert.deepEqual(await pendingDigests(files, paths), [envelope.digest]);
  assert.deepEqual(await readPending(files, paths, envelope.digest), envelope);
  assert.deepEqual(await readLinks(files, paths, envelope.digest), [linkOf(envelope)]);
  const other = "00".repeat(32);
  writeFileSync(
    join(paths.pending, `${other}.json`),
    readFileSync(join(paths.pending, `${envelope.digest}.json`)),
  );
  await assert.rejects(readPending(files, paths, other), { code: "malformed" });
  await removePending(files, paths, other);
  await removePending(files, paths, envelope.digest);
  assert.equal(await readPending(files, paths, envelope.digest), null);
  assert.deepEqual(await pendingDigests(files, paths), []);
});

test("a bundle moves trust on, never back", async (t) => {
  const { paths, root } = await host(t);
  const { trust } = await readKnowledge(files, paths, config);
  const second = await signedRoot(rootOf({ version: 2 }), [keys[0]!]);
  const bundle = { roots: [root, second], krl: null, heads: new Map() };
  const moved = decideTrust(trust, bundle, start);
  assert.ok(moved.accepted);
  assert.equal(moved.root.root.version, 2);
  const back = decideTrust(moved, { ...bundle, roots: [root] }, start);
  assert.ok(!back.accepted && back.code === "root-version");
  const twisted = decideTrust(trust, { ...bundle, roots: [second, root] }, start);
  assert.ok(!twisted.accepted && twisted.code === "root-version", "decided by one, kept another");
  const bare = { ...second, signatures: [] };
  const again = decideTrust(moved, { ...bundle, roots: [bare] }, start);
  assert.ok(again.accepted && again.root === moved.root, "the signatures that count stay");
});
