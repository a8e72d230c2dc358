import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { MemoryStore } from "../../../test/support/test-store.ts";
import { ScriptedPort, connection, patient } from "../../../test/support/wire-port.ts";
import { NixsealError } from "../../core/errors.ts";
import { writePathInfo } from "./path-info-wire.ts";
import { WireMessage } from "./wire-message.ts";
import { WorkerClient } from "./worker-client.ts";
import { serveWorker } from "./worker-server.ts";

const one = pathWithNar("hello-2.12");
const two = pathWithNar("sudo-1.9");
const last = 0x616c7473;
const failed = 0x63787470;

/** What a client says before its first request. */
const hello = (version = 0x122): WireMessage => {
  const message = new WireMessage().integer(0x6e697863).integer(version);
  if (version >= 0x126) message.strings(["realisation-with-path-not-hash"]);
  return message.integer(0).integer(0);
};
const greetingSize = 16 + 8 + 8 + 8; // magic, version, "nixseal", last

function framed(...parts: readonly Uint8Array[]): WireMessage {
  const message = new WireMessage();
  for (const part of parts) message.integer(part.length).raw(part);
  return message.integer(0);
}

const request = ({ info }: typeof one): WireMessage =>
  writePathInfo(new WireMessage().integer(39), info).integer(0).integer(0);
const upload = (path: typeof one, size = 100): WireMessage => {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < path.nar.length; at += size) parts.push(path.nar.subarray(at, at + size));
  return request(path).raw(framed(...parts).bytes);
};

async function serve(messages: readonly WireMessage[], size?: number, limits = {}) {
  const port = new ScriptedPort(
    messages.map((message) => message.bytes),
    size,
  );
  const store = new MemoryStore();
  let error: unknown = null;
  try {
    await serveWorker({ port, clock: patient, store, software: "nixseal", limits });
  } catch (thrown) {
    error = thrown;
  }
  return { store, error, written: port.written };
}

const code = (error: unknown): string => (error instanceof NixsealError ? error.code : String(error));
const wordAt = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));

async function withClient(store: MemoryStore, work: (client: WorkerClient) => Promise<void>): Promise<void> {
  const { client, server, hangUp } = connection();
  const served = serveWorker({ port: server, clock: patient, store, software: "nixseal" });
  await work(await WorkerClient.open({ port: client, clock: patient }));
  hangUp();
  await served;
}

test("our client and our server: everything that both know", async () => {
  const store = new MemoryStore();
  const missing = pathWithNar("missing").info.path;
  await withClient(store, async (client) => {
    await client.addToStoreNar({ info: one.info, nar: inPieces(one.nar, 100) });
    await client.addMultipleToStore([{ info: two.info, nar: inPieces(two.nar) }], true);
    await client.addMultipleToStore([]);
    assert.deepEqual(
      await client.queryValidPaths([two.info.path, missing, one.info.path]),
      [one.info.path, two.info.path].sort(),
    );
    assert.deepEqual(await client.queryPathInfo(one.info.path), one.info);
    assert.equal(await client.queryPathInfo(missing), null);
    await client.addTempRoot(one.info.path);
    await client.addSignatures(one.info.path, one.info.signatures);
    await assert.rejects(client.addSignatures(missing, []), { code: "refused" });
    const parts: Uint8Array[] = [];
    await client.narFromPath(one.info.path, (bytes) => Promise.resolve(void parts.push(bytes)));
    assert.deepEqual(Buffer.concat(parts), one.nar);
    await assert.rejects(
      client.narFromPath(missing, () => Promise.resolve()),
      { code: "refused", message: /is not valid/ },
    );
    assert.deepEqual(await client.queryValidPaths([one.info.path]), [one.info.path]); // still in step
  });
  assert.deepEqual(store.paths.get(one.info.path)?.info, one.info);
  assert.deepEqual(store.paths.get(two.info.path)?.nar, Buffer.from(two.nar));
  assert.deepEqual(store.paths.get(one.info.path)?.wishes, { repair: false, checkSignatures: true });
  assert.deepEqual(store.paths.get(two.info.path)?.wishes, { repair: true, checkSignatures: true });
  assert.deepEqual(store.roots, [one.info.path]);
  assert.deepEqual(store.signatures, [[one.info.path, one.info.signatures]]);
});

test("each version is greeted in its own way", async () => {
  for (const [version, size] of [
    [0x122, 40],
    [0x123, 48], // and whether it is trusted
    [0x125, 48],
    [0x126, 56], // and features
    [0x127, 56],
  ] as const) {
    const { error, written } = await serve([hello(version)]);
    assert.equal(error, null);
    assert.deepEqual([wordAt(written, 0), wordAt(written, 8)], [0x6478696f, 0x126]);
    assert.equal(written.length, size + 0, version.toString(16));
    assert.equal(wordAt(written, size - 8), last);
    if (version >= 0x123) assert.equal(wordAt(written, size - 16), 2, "not trusted");
  }
});

test("older clients are told so in the structure of their version, others not spoken to", async () => {
  const old = await serve([hello(0x115)]);
  assert.equal(code(old.error), "refused");
  assert.equal(wordAt(old.written, 16), failed);
  assert.match(old.written.subarray(32).toString(), /^the client speaks worker protocol 1\.21; .*1\.34/);
  const newer = await serve([hello(0x121)]);
  assert.equal(code(newer.error), "refused");
  assert.equal(wordAt(newer.written, 32), failed);
  assert.equal(newer.written.subarray(48, 53).toString(), "Error");
  for (const version of [0x10b, 0x222, 0, 2 ** 40]) {
    const { error, written } = await serve([hello(version)]);
    assert.deepEqual([code(error), written.length], ["refused", 16]);
  }
  assert.equal(code((await serve([new WireMessage().integer(0x6478696f)])).error), "malformed");
});

test("in pieces of every size, in frames of every size, the same", async () => {
  const query = new WireMessage().integer(31).strings([one.info.path]).integer(1);
  for (const size of [1, 7, 8, 9, 1000])
    for (const frame of [1, 8, 13, 100_000]) {
      const { store, error, written } = await serve([hello(), upload(one, frame), query], size);
      assert.equal(error, null);
      assert.deepEqual(store.paths.get(one.info.path)?.nar, Buffer.from(one.nar));
      assert.equal(wordAt(written, greetingSize), last);
      assert.deepEqual([wordAt(written, greetingSize + 8), wordAt(written, greetingSize + 16)], [last, 1]);
    }
});

test("settings are read and ignored; IsValidPath is answered", async () => {
  const options = new WireMessage().integer(19);
  for (let n = 0; n < 12; n++) options.integer(n);
  options.integer(2).string("builders").string("ssh://x").string("sandbox").string("false");
  const valid = new WireMessage().integer(1).string(one.info.path);
  const { error, written } = await serve([hello(), options, upload(one), valid]);
  assert.equal(error, null);
  assert.deepEqual(
    [0, 8, 16, 24].map((at) => wordAt(written, greetingSize + at)),
    [last, last, last, 1],
  );
});

test("what is missing: nothing is fetched, outputs would have to be built", async () => {
  const derivation = pathWithNar("x.drv").info.path;
  const [none, absent] = [pathWithNar("none").info.path, pathWithNar("absent.drv").info.path];
  const { path } = one.info;
  const asked = [path, none, `${derivation}!*`, `${derivation}!out,dev`, `${absent}!out`];
  const query = new WireMessage().integer(40).strings(asked);
  const uploads = [upload(one), upload({ ...one, info: { ...one.info, path: derivation } })];
  const { error, written } = await serve([hello(), ...uploads, query]);
  assert.equal(error, null);
  const answer = new WireMessage().integer(last).strings([derivation]).strings([]);
  const whole = answer.strings([none, absent].sort()).integer(0).integer(0).bytes;
  assert.deepEqual(written.subarray(greetingSize + 16), Buffer.from(whole));
  for (const bad of [`${path}!`, `${path}!a b`, `${path}!out!out`, `${path}!,out`, "/etc/passwd!out"])
    assert.equal(
      code((await serve([hello(), new WireMessage().integer(40).strings([bad])])).error),
      "malformed",
    );
});

test("a path is ensured when it is there", async () => {
  const ensure = (path: string) => new WireMessage().integer(10).string(path);
  const { error, written } = await serve([
    hello(),
    upload(one),
    ensure(one.info.path),
    ensure(two.info.path),
  ]);
  assert.equal(error, null);
  assert.deepEqual([wordAt(written, greetingSize + 8), wordAt(written, greetingSize + 16)], [last, 1]);
  assert.equal(wordAt(written, greetingSize + 24), failed);
});

test("a refused path is an error that the client reads, in the middle of an upload too, and it may go on", async () => {
  for (const kind of ["refused-unread", "refused-read"]) {
    const bad = pathWithNar(kind);
    const store = new MemoryStore();
    await withClient(store, async (client) => {
      const refusal = { code: "refused", message: /no warrant names it/ };
      await assert.rejects(client.addToStoreNar({ info: bad.info, nar: inPieces(bad.nar, 10) }), refusal);
      const uploads = [one, bad, two].map(({ info, nar }) => ({ info, nar: inPieces(nar, 10) }));
      await assert.rejects(client.addMultipleToStore(uploads), refusal);
      assert.deepEqual(await client.queryValidPaths([one.info.path, two.info.path]), [one.info.path]);
    });
    assert.deepEqual([...store.paths.keys()], [one.info.path]);
  }
});

test("what is wrong inside of frames is an error, and the session goes on", async () => {
  const { narHash } = pathWithNar("other", { type: "symlink", target: "x" }).info;
  const cases: [string, WireMessage, RegExp][] = [
    ["another hash", request({ ...one, info: { ...one.info, narHash } }).raw(framed(one.nar).bytes), /hash/],
    ["cut off", request(one).raw(framed(one.nar.subarray(0, -8)).bytes), /middle of the NAR/],
    ["too long", request(one).raw(framed(one.nar, Buffer.alloc(8)).bytes), /follow the last/],
    ["not a NAR", request(one).raw(framed(Buffer.alloc(one.nar.length)).bytes), /nix-archive-1/],
    [
      "more paths than said",
      new WireMessage()
        .integer(44)
        .integer(0)
        .integer(0)
        .raw(
          framed(writePathInfo(new WireMessage().integer(1), one.info).bytes, one.nar, Buffer.alloc(8)).bytes,
        ),
      /follow the last/,
    ],
    [
      "too many paths",
      new WireMessage()
        .integer(44)
        .integer(0)
        .integer(0)
        .raw(framed(new WireMessage().integer(2 ** 50).bytes).bytes),
      /at most 100000/,
    ],
  ];
  for (const [what, message, expected] of cases) {
    const { store, error, written } = await serve([hello(), message, upload(two)]);
    assert.equal(error, null, what);
    assert.equal(wordAt(written, greetingSize), failed, what);
    assert.match(written.toString("latin1"), expected, what);
    assert.equal(wordAt(written, written.length - 8), last, what);
    // The only path of the case that is whole is the one before the surplus bytes.
    const whole = ["too long", "more paths than said"].includes(what) ? [one.info.path] : [];
    assert.deepEqual([...store.paths.keys()], [...whole, two.info.path], what);
  }
});

test("a client that goes on sending after a refusal is cut off", async () => {
  const bad = pathWithNar("refused-unread");
  const { error } = await serve([hello(), upload(bad)], undefined, { drain: 10 });
  assert.equal(code(error), "limit");
});

test("every other operation is refused with an error and ends the session", async () => {
  const known = new Set([1, 10, 11, 19, 26, 31, 37, 38, 39, 40, 44]);
  for (let operation = 0; operation < 60; operation++) {
    if (known.has(operation)) continue;
    const { error, written, store } = await serve([
      hello(),
      new WireMessage().integer(operation),
      upload(one),
    ]);
    assert.equal(code(error), "refused", String(operation));
    assert.equal(wordAt(written, greetingSize), failed);
    assert.match(written.toString("latin1"), new RegExp(`operation ${operation} is refused`));
    assert.equal(store.paths.size, 0);
  }
});

test("a second request before the first is answered is refused; our own client waits", async () => {
  const query = new WireMessage().integer(31).strings([]).integer(0);
  const { error, written } = await serve([hello(), new WireMessage().raw(query.bytes).raw(query.bytes)]);
  assert.deepEqual([code(error), wordAt(written, greetingSize)], ["malformed", failed]);
  await withClient(new MemoryStore(), async (client) => {
    const both = [client.queryValidPaths([]), client.queryValidPaths([])];
    assert.deepEqual(await Promise.all(both), [[], []]);
  });
});

test("paths that are asked for while another request has its turn are one question", async () => {
  const store = new MemoryStore();
  const missing = pathWithNar("missing").info.path;
  const { client: port, server, hangUp, said } = connection();
  const served = serveWorker({ port: server, clock: patient, store, software: "nixseal" });
  const client = await WorkerClient.open({ port, clock: patient });
  const adding = client.addToStoreNar({ info: one.info, nar: inPieces(one.nar) });
  const before = said().length;
  const asked = [one.info.path, missing, one.info.path].map((path) => client.isValid(path));
  await adding;
  assert.deepEqual(await Promise.all(asked), [true, false, true]);
  assert.equal(await client.isValid(missing), false);
  const questions = said().subarray(before).toString("latin1").split("-missing").length - 1;
  assert.equal(questions, 2, "each has the path once");
  hangUp();
  await served;
});

test("cut off at any byte: an error, and nothing stored", async () => {
  const message = new WireMessage().raw(hello().bytes).raw(upload(one).bytes).bytes;
  const greeting = hello().bytes.length;
  for (let length = 0; length < message.length; length++) {
    const { store, error } = await serve([new WireMessage().raw(message.subarray(0, length))]);
    const clean = length === greeting;
    assert.equal(clean ? error : code(error), clean ? null : "malformed", String(length));
    // The last frame's end is the length of zero after it; the NAR is whole before.
    if (length < message.length - 8) assert.equal(store.paths.size, 0, String(length));
  }
});

test("any byte flipped: what is stored has the hash that was said, or nothing is", async () => {
  const bytes = upload(one).bytes;
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    const { store, error } = await serve([hello(), new WireMessage().raw(flipped)]);
    assert.ok(error === null || error instanceof NixsealError, String(error));
    for (const [, { nar }] of store.paths) assert.deepEqual(nar, Buffer.from(one.nar), String(at));
  }
});

test("arbitrary bytes end in an error of ours, never in another", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 50 }),
      async (noise, operation) => {
        const { error } = await serve([hello(), new WireMessage().integer(operation).raw(noise)]);
        assert.ok(error === null || (error instanceof NixsealError && error.code !== "bug"), String(error));
      },
    ),
    { numRuns: 300 },
  );
});

test("the client takes no more from a server than it should", async () => {
  const open = (message: WireMessage) =>
    WorkerClient.open({ port: new ScriptedPort([message.bytes]), clock: patient });
  const greeting = () => new WireMessage().integer(0x6478696f).integer(0x122).string("2.8.0");
  await assert.rejects(open(new WireMessage().string("Welcome")), { code: "malformed" });
  await assert.rejects(open(new WireMessage().integer(0x6478696f).integer(0x121)), { code: "refused" });
  await assert.rejects(open(greeting().integer(0x64617461).integer(1)), { code: "malformed" });
  await assert.rejects(
    open(
      greeting()
        .integer(0x6f6c6d67)
        .integer(2 ** 40),
    ),
    { code: "limit" },
  );
  const coloured = greeting().integer(failed).string("Error").integer(0).string("Error");
  await assert.rejects(open(coloured.string("\u001b[31;1mno\u001b[0m\u0007").integer(0).integer(0)), {
    message: "the server says: no",
  });
  const liar = await open(greeting().integer(last).integer(last).strings([two.info.path]));
  await assert.rejects(liar.queryValidPaths([one.info.path]), { code: "malformed" });
  await assert.rejects(liar.queryValidPaths([one.info.path]), { code: "conflict" });
});
