import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { MemoryStore } from "../../../test/support/test-store.ts";
import { ScriptedPort, connection, patient } from "../../../test/support/wire-port.ts";
import { NixsealError } from "../../core/errors.ts";
import { sha256 } from "../hash.ts";
import { ServeClient } from "./serve-client.ts";
import { serveStore } from "./serve-server.ts";
import { WireMessage } from "./wire-message.ts";
import { writePathInfo } from "./path-info-wire.ts";

const one = pathWithNar("hello-2.12");
const two = pathWithNar("sudo-1.9");
const hello = (version = 0x207): WireMessage => new WireMessage().integer(0x390c9deb).integer(version);
const upload = ({ info, nar }: typeof one): WireMessage => writePathInfo(hello().integer(9), info).raw(nar);

/** What the server made of a client that says these bytes. */
async function serve(bytes: Uint8Array | readonly Uint8Array[], size?: number, limits = {}) {
  const port = new ScriptedPort(bytes instanceof Uint8Array ? [bytes] : bytes, size);
  const store = new MemoryStore();
  const lines: string[] = [];
  let error: unknown = null;
  try {
    await serveStore({ port, clock: patient, store, diagnose: (line) => lines.push(line), limits });
  } catch (thrown) {
    error = thrown;
  }
  return {
    store,
    lines,
    error,
    answers: words(port.written.subarray(16)),
    greeting: words(port.written.subarray(0, 16)),
  };
}

/** Integers as they stand there. */
function words(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, n) => Number(bytes.readBigUInt64LE(8 * n)));
}

const code = (error: unknown): string => (error instanceof NixsealError ? error.code : String(error));

async function withClient<T>(
  store: MemoryStore,
  work: (client: ServeClient) => Promise<T>,
): Promise<{ result: T; lines: string[]; said: Buffer }> {
  const { client, server, hangUp, said } = connection();
  const lines: string[] = [];
  const served = serveStore({ port: server, clock: patient, store, diagnose: (line) => lines.push(line) });
  const result = await work(await ServeClient.open({ port: client, clock: patient }));
  hangUp();
  await served;
  return { result, lines, said: said() };
}

test("our client and our server: paths are sent, asked for and described", async () => {
  const store = new MemoryStore();
  const missing = pathWithNar("missing").info.path;
  const { result } = await withClient(store, async (client) => {
    await client.addToStoreNar(one.info, inPieces(one.nar, 100));
    await client.addToStoreNar(two.info, inPieces(two.nar));
    return {
      valid: await client.queryValidPaths([two.info.path, missing, one.info.path]),
      infos: await client.queryPathInfos([missing, two.info.path]),
    };
  });
  assert.deepEqual(result.valid, [one.info.path, two.info.path].sort());
  assert.deepEqual(result.infos, [{ ...two.info, registrationTime: null }]);
  assert.deepEqual(store.paths.get(one.info.path)?.info, one.info);
  assert.deepEqual(store.paths.get(one.info.path)?.nar, Buffer.from(one.nar));
});

test("what a client claims of trust is not passed on", async () => {
  const { store } = await serve(upload({ ...one, info: { ...one.info, ultimate: true } }).bytes);
  assert.equal(store.paths.get(one.info.path)?.info.ultimate, false);
});

test("in pieces of every size the same", async () => {
  const bytes = [
    upload(one).bytes,
    new WireMessage().integer(1).integer(1).integer(0).strings([one.info.path]).bytes,
  ];
  for (const size of [1, 2, 3, 7, 8, 9, 64, 1000]) {
    const { store, error, answers, greeting } = await serve(bytes, size);
    assert.equal(error, null);
    assert.deepEqual(greeting, [0x5452eecb, 0x208]);
    assert.deepEqual(answers.slice(0, 3), [1, 1, one.info.path.length]);
    assert.deepEqual(store.paths.get(one.info.path)?.nar, Buffer.from(one.nar));
    assert.deepEqual(store.roots, [one.info.path]);
  }
});

test("a path that the store refuses is answered with 0 and a line, and the next one is heard", async () => {
  for (const kind of ["refused-unread", "refused-read"]) {
    const store = new MemoryStore();
    const bad = pathWithNar(kind);
    const { result, lines } = await withClient(store, async (client) => {
      await assert.rejects(client.addToStoreNar(bad.info, inPieces(bad.nar)), { code: "refused" });
      return null;
    });
    assert.equal(result, null);
    assert.deepEqual(lines, [`${bad.info.path}: no warrant names it`]);
    // Byte by byte: what comes later is not there yet when the first is answered.
    const both = Buffer.concat([upload(bad).bytes, upload(one).bytes.subarray(16)]);
    const next = await serve(both, 1);
    assert.deepEqual([next.error, next.answers], [null, [0, 1]]);
    assert.deepEqual([...next.store.paths.keys()], [one.info.path]);
  }
});

test("a refused NAR that is larger than one cares to read ends the session", async () => {
  const { error } = await serve(upload(pathWithNar("refused-unread")).bytes, 1, { drain: 10 });
  assert.equal(code(error), "limit");
});

test("another hash is refused after the NAR was read, and nothing is stored", async () => {
  const { narHash } = pathWithNar("other", { type: "symlink", target: "x" }).info;
  const { store, error, answers, lines } = await serve(
    upload({ info: { ...one.info, narHash }, nar: one.nar }).bytes,
  );
  assert.deepEqual([error, answers, store.paths.size], [null, [0], 0]);
  assert.match(lines[0]!, /does not have the hash/);
});

test("a NAR that is shorter or longer than its size, or none, ends the session", async () => {
  for (const narSize of [one.nar.length - 8, one.nar.length + 8, 8, 1]) {
    const bytes = upload({
      info: { ...one.info, narSize },
      nar: Buffer.concat([one.nar, Buffer.alloc(8)]),
    }).bytes;
    const { store, error, answers } = await serve(bytes);
    assert.deepEqual([code(error), answers, store.paths.size], ["malformed", [], 0], String(narSize));
  }
});

test("bytes that have the hash and the size that were named are refused when they are no whole NAR", async () => {
  for (const nar of [one.nar.subarray(0, -8), one.nar.subarray(0, -1), Buffer.from("planted!")]) {
    const narHash = sha256(nar);
    const { store, error } = await serve(
      upload({ info: { ...one.info, narHash, narSize: nar.length }, nar: Buffer.from(nar) }).bytes,
    );
    assert.deepEqual([code(error), store.paths.size], ["malformed", 0]);
  }
});

test("imports, builds and everything else are refused, in the protocol's words where it has some", async () => {
  const imports = await serve(hello().integer(4).integer(1).bytes);
  assert.deepEqual([code(imports.error), imports.answers], ["refused", [0]]);
  const builds = await serve(hello().integer(6).strings([one.info.path]).bytes);
  assert.deepEqual([code(builds.error), builds.answers[0]], ["refused", 9]);
  const derivation = await serve(hello().integer(8).string(one.info.path).bytes);
  assert.deepEqual(
    [code(derivation.error), derivation.answers[0], derivation.answers.slice(-5)],
    ["refused", 9, [0, 0, 0, 0, 0]],
  );
  for (const command of [0, 3, 5, 7, 10, 11, 2 ** 40]) {
    const { error, answers } = await serve(hello().integer(command).bytes);
    assert.deepEqual([code(error), answers], ["refused", []], String(command));
  }
});

test("other versions and other magics are turned away", async () => {
  for (const version of [0x206, 0x205, 0x307, 0x107, 0, 2 ** 32])
    assert.equal(code((await serve(hello(version).bytes)).error), "refused", String(version));
  assert.equal((await serve(hello(0x2ff).bytes)).error, null);
  const wrong = await serve(new WireMessage().integer(0x5452eecb).integer(0x207).bytes);
  assert.deepEqual([code(wrong.error), wrong.greeting], ["malformed", []]);
});

test("a second request before the first is answered is refused; our own client waits", async () => {
  const query = new WireMessage().integer(1).integer(0).integer(0).strings([]).bytes;
  const { error, answers } = await serve(hello().raw(query).raw(query).bytes);
  assert.deepEqual([code(error), answers], ["malformed", []]);
  await withClient(new MemoryStore(), async (client) => {
    const both = [client.queryValidPaths([]), client.queryValidPaths([])];
    assert.deepEqual(await Promise.all(both), [[], []]);
  });
});

test("counts and lengths over the limits are refused before anything is held", async () => {
  const many = hello().integer(1).integer(0).integer(0).integer(100_001).bytes;
  assert.equal(code((await serve(many)).error), "limit");
  assert.equal(
    code(
      (
        await serve(
          hello()
            .integer(2)
            .integer(2 ** 52).bytes,
        )
      ).error,
    ),
    "limit",
  );
  const huge = Buffer.concat([hello().integer(2).bytes, Buffer.alloc(8, 0xff)]);
  assert.equal(code((await serve(huge)).error), "limit");
  const path = hello().integer(2).integer(1).integer(2000).bytes;
  assert.equal(code((await serve(path)).error), "limit");
  const nar = await serve(upload({ ...one, info: { ...one.info, narSize: 2 ** 45 } }).bytes);
  assert.equal(code(nar.error), "limit");
  const twice = await serve(hello().integer(2).strings([one.info.path, one.info.path]).bytes);
  assert.equal(code(twice.error), "malformed");
  const elsewhere = await serve(
    hello()
      .integer(2)
      .strings(["/other/store/" + one.info.path.slice(11)]).bytes,
  );
  assert.equal(code(elsewhere.error), "malformed");
  assert.equal(
    code((await serve(upload({ ...one, info: { ...one.info, narSize: 0 } }).bytes)).error),
    "malformed",
  );
});

test("cut off at any byte: an error, nothing stored, no answer", async () => {
  const bytes = upload(one).bytes;
  for (let length = 0; length < bytes.length; length++) {
    const { store, error, answers } = await serve(bytes.subarray(0, length));
    const clean = length === 16; // after the greeting a client may leave
    assert.deepEqual(
      [clean ? error : code(error), answers, store.paths.size],
      [clean ? null : "malformed", [], 0],
      String(length),
    );
  }
});

test("any byte flipped: what is stored has the hash that was said, or nothing is", async () => {
  const bytes = upload(one).bytes;
  const narStart = bytes.length - one.nar.length;
  for (let at = 16; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << (at % 8);
    const { store, error } = await serve(flipped);
    assert.ok(error === null || error instanceof NixsealError, String(error));
    if (at >= narStart) assert.equal(store.paths.size, 0, `byte ${at}`);
    for (const [, { nar }] of store.paths) assert.deepEqual(nar, Buffer.from(one.nar));
  }
});

test("arbitrary bytes end in an error of ours, never in another", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 12 }),
      async (noise, command) => {
        const { error } = await serve(hello().integer(command).raw(noise).bytes);
        assert.ok(error === null || (error instanceof NixsealError && error.code !== "bug"), String(error));
      },
    ),
    { numRuns: 300 },
  );
});

test("a large NAR passes through in small pieces", async () => {
  const large = pathWithNar("large", {
    type: "regular",
    executable: false,
    content: Buffer.alloc(5 << 20, 1),
  });
  const { store, error } = await serve(upload(large).bytes);
  assert.equal(error, null);
  assert.ok(store.largest <= 65536, String(store.largest));
});

test("the client refuses a server that lies: other paths, other magic, old", async () => {
  const say = (message: WireMessage) =>
    ServeClient.open({ port: new ScriptedPort([message.bytes]), clock: patient });
  const server = (version = 0x207) => new WireMessage().integer(0x5452eecb).integer(version);
  await assert.rejects(say(new WireMessage().string("Welcome")), { code: "malformed" });
  await assert.rejects(say(server(0x206)), { code: "refused" });
  const client = await say(server().strings([two.info.path]));
  await assert.rejects(client.queryValidPaths([one.info.path]), { code: "malformed" });
  await assert.rejects(client.queryValidPaths([one.info.path]), { code: "conflict" }); // out of step from now on
  const second = await say(server().string(two.info.path));
  await assert.rejects(second.queryPathInfos([one.info.path]), { code: "malformed" });
});
