import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { hashStream } from "../../src/nix/nar/hash.ts";
import { parsePathInfos, type PathInfo } from "../../src/nix/path-info.ts";
import { ServeClient } from "../../src/nix/protocol/serve-client.ts";
import { WorkerClient } from "../../src/nix/protocol/worker-client.ts";
import type { StorePath } from "../../src/nix/store-path.ts";
import { clock } from "../../src/system/clock.ts";
import { processes } from "../../src/system/processes.ts";
import { inPieces } from "../support/pieces.ts";
import { StockNix } from "../support/stock-nix.ts";

/** Stock Nix as the server of our clients (Debian: nix-bin). */
const nix = new StockNix();
// What is sent here is signed by nobody.
nix.environment["NIX_CONFIG"] = `${nix.allEnvironment["NIX_CONFIG"]}\nrequire-sigs = false`;
after(() => nix.remove());
interface Held {
  readonly info: PathInfo;
  readonly nar: Buffer;
}
let leaf: Held;
let system: Held;
let tree: Held;

before(() => {
  writeFileSync(
    nix.path("x.nix"),
    `let a = derivation { name = "leaf"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo a > $out"]; };
     in derivation { name = "system"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo \${a} $out > $out"]; }`,
  );
  nix.run("sh", ["-c", "mkdir -p tree/sub && head -c 300000 /dev/zero > tree/sub/zeros && ln -s sub tree/l"]);
  const path = nix.text("nix-build", "--no-out-link", "x.nix");
  const added = nix.text("nix-store", "--add", "tree");
  const infos = parsePathInfos(nix.text("nix", "path-info", "--json", "-r", path, added), nix.storeDirectory);
  const held = (wanted: (path: string) => boolean): Held => {
    const info = infos.find(({ path }) => wanted(path))!;
    return { info, nar: nix.run("nix-store", ["--dump", info.path]) };
  };
  leaf = held((path) => path.endsWith("-leaf"));
  system = held((path) => path.endsWith("-system"));
  tree = held((path) => path === added);
});

/** Takes everything out of the store, so that it can be sent again. */
function forget(): void {
  nix.run("nix-store", ["--delete", system.info.path, leaf.info.path, tree.info.path]);
}

const talkTo = (program: string, ...args: string[]) =>
  processes.converse({ program, args, cwd: nix.directory, env: nix.allEnvironment, timeout: 60_000 });

/** What every server says of a path alike. */
const common = ({ path, narHash, narSize, references, deriver, contentAddress }: PathInfo) => ({
  path,
  narHash,
  narSize,
  references: [...references].sort(),
  deriver,
  contentAddress,
});

test("nix-store --serve --write takes what we send, and describes it as we did", async () => {
  forget();
  const port = talkTo("nix-store", "--serve", "--write");
  const client = await ServeClient.open({ port, clock, directory: nix.storeDirectory });
  const all = [leaf, system, tree];
  const paths = all.map(({ info }) => info.path);
  assert.deepEqual(await client.queryValidPaths(paths), []);
  for (const { info, nar } of all) await client.addToStoreNar(info, inPieces(nar, 70_000));
  assert.deepEqual(await client.queryValidPaths(paths), [...paths].sort());
  const infos = await client.queryPathInfos(paths);
  assert.deepEqual(infos.map(common).sort(byPath), all.map(({ info }) => common(info)).sort(byPath));
  assert.equal((await port.end()).code, 0);
  nix.run("nix-store", ["--verify-path", ...paths]);
});

test("nix-daemon --stdio takes what we send, one by one and all at once, and gives it back", async () => {
  forget();
  const port = talkTo("nix-daemon", "--stdio");
  const client = await WorkerClient.open({ port, clock, directory: nix.storeDirectory });
  const paths = [leaf, system, tree].map(({ info }) => info.path);
  const upload = ({ info, nar }: Held) => ({ info, nar: inPieces(nar, 70_000) });
  await client.addToStoreNar(upload(tree));
  await client.addMultipleToStore([upload(leaf), upload(system)]);
  assert.deepEqual(await client.queryValidPaths(paths), [...paths].sort());
  for (const { info, nar } of [leaf, system, tree]) {
    const known = await client.queryPathInfo(info.path);
    assert.deepEqual(known === null ? null : common(known), common(info));
    const parts: Uint8Array[] = [];
    await client.narFromPath(info.path, (bytes) => Promise.resolve(void parts.push(bytes)));
    assert.deepEqual(Buffer.concat(parts), nar);
  }
  await client.addTempRoot(leaf.info.path);
  const signature = { name: "test-1", bytes: new Uint8Array(64).fill(1) };
  await client.addSignatures(leaf.info.path, [signature]);
  assert.deepEqual((await client.queryPathInfo(leaf.info.path))?.signatures, [signature]);
  assert.equal((await port.end()).code, 0);
  nix.run("nix-store", ["--verify-path", ...paths]);
});

test("what nix-daemon refuses is its error in our words, and the connection can be used on", async () => {
  forget();
  const port = talkTo("nix-daemon", "--stdio");
  const client = await WorkerClient.open({ port, clock, directory: nix.storeDirectory });
  const { info } = leaf;
  const other = await hashStream(inPieces(Buffer.from("x")));
  const lied = { info: { ...tree.info, narHash: other.hash }, nar: inPieces(tree.nar, 70_000) };
  await assert.rejects(client.addToStoreNar(lied), { code: "refused", message: /hash mismatch/ });
  assert.equal(await client.queryPathInfo(info.path), null);
  const uploads = [
    { ...lied, nar: inPieces(tree.nar) },
    { info, nar: inPieces(leaf.nar) },
  ];
  await assert.rejects(client.addMultipleToStore(uploads), { code: "refused", message: /hash mismatch/ });
  await client.addToStoreNar({ info, nar: inPieces(leaf.nar) });
  assert.deepEqual(await client.queryValidPaths([info.path]), [info.path]);
  await port.end();
});

test("nix-daemon answers requests that are sent together, and after a refusal of one the others are in step", async () => {
  forget();
  const port = talkTo("nix-daemon", "--stdio");
  const client = await WorkerClient.open({ port, clock, directory: nix.storeDirectory });
  const send = ({ info, nar }: Held, size?: number) => client.addHeld({ info, nar: inPieces(nar, size) });
  const other = await hashStream(inPieces(Buffer.from("x")));
  const lied = { ...leaf, info: { ...leaf.info, narHash: other.hash } };
  assert.equal(await client.hold(leaf.info.path), false);
  const wrong = assert.rejects(send(lied), { code: "refused", message: /hash mismatch/ });
  const [first, large, second] = await Promise.all([send(leaf), send(tree, 70_000), send(system)]);
  await wrong;
  for (const [known, { info }] of [
    [first, leaf],
    [large, tree],
    [second, system],
  ] as const)
    assert.deepEqual(known === null ? null : common(known), common(info));
  assert.equal(await client.hold(leaf.info.path), true);
  // What is held stays while we are connected, and no longer.
  assert.throws(() => nix.run("nix-store", ["--delete", tree.info.path]));
  assert.equal((await port.end()).code, 0);
  nix.run("nix-store", ["--delete", tree.info.path]);
});

test("nix-store --serve that fails in the middle is an error, not a wait", async () => {
  const port = talkTo("nix-store", "--serve", "--write");
  const client = await ServeClient.open({ port, clock, directory: nix.storeDirectory });
  const missing = `${nix.storeDirectory}/00000000000000000000000000000000-x` as StorePath;
  const info = { ...tree.info, path: missing, contentAddress: null };
  const nar = Buffer.from(tree.nar);
  nar[200]! ^= 1;
  // Its end shows when the next piece is written or when the answer is read, whichever comes first.
  await assert.rejects(client.addToStoreNar(info, inPieces(nar)), { code: /^(?:tool|malformed)$/ });
  const { code, stderr } = await port.end();
  assert.notEqual(code, 0);
  assert.notEqual(stderr, "");
});

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : 1;
}
