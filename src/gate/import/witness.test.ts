import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { MemoryStore } from "../../../test/support/test-store.ts";
import { noon } from "../../../test/support/warrants.ts";
import { connection, patient } from "../../../test/support/wire-port.ts";
import { NixsealError } from "../../core/errors.ts";
import { contentAddressedPath } from "../../nix/content-address.ts";
import { fingerprint } from "../../nix/fingerprint.ts";
import { sha256 } from "../../nix/hash.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import { WorkerClient } from "../../nix/protocol/worker-client.ts";
import { serveWorker } from "../../nix/protocol/worker-server.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { files } from "../../system/files.ts";
import { Witness } from "./witness.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const { x } = publicKey.export({ format: "jwk" });
const upstream = [{ name: "cache-1", bytes: new Uint8Array(Buffer.from(x!, "base64url")) }];
const uploader = { member: "alice", key: `SHA256:${"a".repeat(43)}` };
const day = 24 * 3600_000;

/** A store that has these paths, and one connection that began at noon. */
async function witness(context: TestContext, ...paths: readonly PathInfo[]) {
  const store = new MemoryStore();
  for (const info of paths)
    store.paths.set(info.path, {
      info,
      nar: new Uint8Array(0),
      wishes: { repair: false, checkSignatures: true },
    });
  const { client, server, hangUp } = connection();
  context.after(hangUp);
  void serveWorker({ port: server, clock: patient, store, software: "test" });
  const nix = await WorkerClient.open({ port: client, clock: patient });
  const directory = temporaryDirectory(context);
  let now = noon;
  let opened = 0;
  const one = new Witness({ files, clock: { now: () => now }, directory, upstream });
  const see = (path: StorePath) =>
    one.see({ kind: "witness", path, uploader }, (question) => {
      opened++;
      return question(nix);
    });
  return {
    directory,
    see,
    witness: one,
    opened: () => opened,
    later: (milliseconds: number) => void (now = new Date(now.getTime() + milliseconds)),
    code: (path: StorePath) =>
      see(path).then(
        () => "seen",
        ({ decision }: { decision: string }) => decision,
      ),
  };
}

/** Unsigned, at no content's address, registered so many seconds after noon. */
const plain = (name: string, after = 0): PathInfo => ({
  ...pathWithNar(name).info,
  references: [],
  signatures: [],
  registrationTime: Math.floor(noon.getTime() / 1000) + after,
});
const bySigner = (info: PathInfo, about = info): PathInfo => {
  const bytes = new Uint8Array(sign(null, Buffer.from(fingerprint(about)), privateKey));
  return { ...info, signatures: [...info.signatures, { name: "cache-1", bytes }] };
};
const addressed = (name: string): PathInfo => {
  const contentAddress = { method: "nar", hash: plain(name).narHash } as const;
  return { ...plain(name), contentAddress, path: contentAddressedPath(name, contentAddress) };
};

test("what Nix says decides: a key of the host's upstream, or the content's address; the message names the path alone", async (context) => {
  const fromCache = bySigner({ ...addressed("both"), deriver: plain("both.drv").path });
  const source = addressed("source");
  const { see } = await witness(context, fromCache, source);
  const { signatures, contentAddress: _, registrationTime: __, ultimate: ___, ...rest } = fromCache;
  const seen = await see(fromCache.path);
  assert.ok(seen?.origin.kind === "upstream");
  assert.deepEqual(seen.origin.signature, signatures[0]);
  assert.deepEqual(seen.origin.uploader, { ...uploader, serial: null });
  for (const field of ["path", "narHash", "narSize", "references"] as const)
    assert.deepEqual(seen[field], rest[field]);
  assert.deepEqual([seen.event, seen.deriver], ["added", null], "nobody has signed a deriver");
  const origin = { kind: "content-address", address: source.contentAddress, uploader: seen.origin.uploader };
  assert.deepEqual((await see(source.path))?.origin, origin);
});

test("what nothing proves is refused", async (context) => {
  const other = plain("other");
  const wrong = { algorithm: "sha256", digest: sha256("another").digest } as const;
  const unproved: readonly PathInfo[] = [
    plain("plain"),
    { ...plain("ultimate"), ultimate: true },
    bySigner(plain("of-another"), other),
    bySigner({ ...plain("size") }, { ...plain("size"), narSize: 1 }),
    {
      ...bySigner(plain("name")),
      signatures: [{ ...bySigner(plain("name")).signatures[0]!, name: "cache-2" }],
    },
    { ...plain("address"), contentAddress: addressed("source").contentAddress },
    { ...addressed("content"), narHash: wrong },
    // Behind more of them than a cache ever makes, in the order in which Nix gives them: root checks no signatures without end.
    bySigner({
      ...plain("many"),
      signatures: Array.from({ length: 64 }, (_, n) => {
        const bytes = new Uint8Array(64).fill(n);
        bytes.set([0xfb, 0xef, 0xbe]); // "++++" in base64, before all others
        return { name: "cache-1", bytes };
      }),
    }),
  ];
  const { code } = await witness(context, ...unproved);
  for (const { path } of unproved) assert.equal(await code(path), "origin", path);
});

test("only what Nix took since just before the connection, and not in the time to come", async (context) => {
  const times = [-86_400, -11, -10, 0, 1, 86_400];
  const paths = times.map((after, n) => bySigner(plain(`path-${n}`, after)));
  const { code, later, witness: one } = await witness(context, ...paths);
  const codes: string[] = [];
  for (const info of paths) codes.push(await code(info.path));
  assert.deepEqual(codes, ["not-new", "not-new", "seen", "seen", "not-new", "not-new"]);
  later(2000);
  const [coming, never] = [bySigner(plain("coming", 1)), bySigner(plain("never", 3))];
  assert.deepEqual([one.isFirst(coming), one.isFirst(never)], [true, false]);
  assert.equal(one.isFirst(coming), false, "once");
  assert.equal(await code(plain("absent").path), "not-new");
});

test("a path counts once, and asking again costs nothing", async (context) => {
  const [good, bad, imported] = [bySigner(plain("good")), plain("bad"), bySigner(plain("imported"))];
  const { see, code, opened, witness: one } = await witness(context, good, bad, imported);
  assert.notEqual(await see(good.path), null);
  assert.equal(await code(bad.path), "origin");
  assert.equal(opened(), 2);
  for (let n = 0; n < 3; n++) {
    assert.equal(await see(good.path), null);
    assert.equal(await code(bad.path), "not-new");
  }
  one.recorded(imported.path);
  assert.equal(await see(imported.path), null, "it came by a warrant");
  assert.equal(opened(), 2);
});

test("a path that Nix was asked about in vain may be asked about again", async (context) => {
  const good = bySigner(plain("good"));
  const { see, witness: one } = await witness(context, good);
  const broken = () => Promise.reject(new NixsealError("conflict", "the connection is of no use"));
  await assert.rejects(one.see({ kind: "witness", path: good.path, uploader }, broken), { code: "conflict" });
  assert.notEqual(await see(good.path), null);
});

test("one connection is asked about so many paths and no more", async (context) => {
  const good = bySigner(plain("good"));
  const { code, opened, witness: one } = await witness(context, good);
  for (let n = 0; n < 100_000; n++) one.recorded(`/nix/store/${n}` as StorePath);
  assert.equal(await code(good.path), "too-many");
  assert.equal(opened(), 0);
});

test("while the ledger grows faster than any host's does, nothing is added that no member has signed", async (context) => {
  const [one, two] = [bySigner(plain("one")), bySigner(plain("two"))];
  const made = await witness(context, one, two);
  const segment = (number: number, age: number): void => {
    const file = join(made.directory, `${String(number).padStart(8, "0")}.ndjson`);
    fs.writeFileSync(file, "");
    const time = new Date(noon.getTime() - age);
    fs.utimesSync(file, time, time);
  };
  for (let number = 1; number <= 8; number++) segment(number, 0);
  assert.equal(await made.code(one.path), "seen", "eight segments are no more than eight");
  segment(9, 0);
  assert.equal(await made.code(two.path), "too-many");
  assert.equal(made.opened(), 1);
  segment(1, day);
  const next = await witness(context, two);
  fs.cpSync(made.directory, next.directory, { recursive: true, preserveTimestamps: true });
  assert.equal(await next.code(two.path), "seen", "the day is over");
});
