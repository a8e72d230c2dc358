import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryGate, refusal, type MemoryGateFields } from "../../../test/support/memory-gate.ts";
import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { signed, sorted, warrant } from "../../../test/support/warrants.ts";
import { ScriptedPort, patient } from "../../../test/support/wire-port.ts";
import { NixsealError } from "../../core/errors.ts";
import { contentAddressedPath } from "../../nix/content-address.ts";
import { fingerprint } from "../../nix/fingerprint.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import { NarBody } from "../../nix/protocol/nar-body.ts";
import { serveStore } from "../../nix/protocol/serve-server.ts";
import { writePathInfo } from "../../nix/protocol/path-info-wire.ts";
import { WireMessage } from "../../nix/protocol/wire-message.ts";
import { WireReader } from "../../nix/protocol/wire-reader.ts";
import { serveWorker } from "../../nix/protocol/worker-server.ts";
import { claimOf, type ClosurePath } from "../../trust/warrant/closure.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { largestEnclosed } from "../message-limits.ts";
import { isContentAddressed } from "../proof.ts";

interface Held {
  readonly info: PathInfo;
  readonly nar: Buffer;
}

const path = (name: string, content: string, references: readonly Held[] = []): Held => {
  const { info, nar } = pathWithNar(name, {
    type: "regular",
    executable: false,
    content: Buffer.from(content),
  });
  const signatures = [] as const;
  return {
    nar,
    info: { ...info, references: references.map((one) => one.info.path), signatures, deriver: null },
  };
};

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const upstream = [
  {
    name: "cache-1",
    bytes: new Uint8Array(Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url")),
  },
];
const bySigner = ({ info, nar }: Held, about: PathInfo = info): Held => ({
  nar,
  info: {
    ...info,
    signatures: [
      { name: "cache-1", bytes: new Uint8Array(sign(null, Buffer.from(fingerprint(about)), privateKey)) },
    ],
  },
});

const leaf = path("leaf", "leaf");
const system = path("system", "system", [leaf]);
const stray = path("stray", "stray");
const cached = bySigner(path("cached", "cached"));
const forged = bySigner(path("forged", "forged"), cached.info);
const source = path("source", "source");
const addressed: Held = {
  nar: source.nar,
  info: (() => {
    const contentAddress = { method: "nar", hash: source.info.narHash } as const;
    return { ...source.info, contentAddress, path: contentAddressedPath("source", contentAddress) };
  })(),
};

function narOf({ info, nar }: Held): NarBody {
  return new NarBody(new WireReader({ next: () => Promise.resolve(nar) }), info);
}

function warrantFor(...held: readonly Held[]): Promise<WarrantEnvelope> {
  const paths: ClosurePath[] = held.map(({ info }) => info);
  return signed(
    warrant({
      toplevel: held.at(-1)!.info.path,
      paths: sorted(paths).map((one) => ({
        path: one.path,
        narHash: one.narHash,
        narSize: one.narSize,
        references: one.references,
        contentAddress: null,
      })),
    }),
  );
}

const hello = new WireMessage().integer(0x390c9deb).integer(0x207);
const send = ({ info, nar }: Held): Uint8Array =>
  writePathInfo(new WireMessage().integer(9), info).raw(nar).bytes;

async function serve(
  directory: string,
  fields: MemoryGateFields,
  messages: readonly Uint8Array[],
  size = Infinity,
) {
  const gate = new MemoryGate(directory, fields);
  await gate.quarantine.prepare();
  const port = new ScriptedPort([hello.bytes, ...messages], size);
  const lines: string[] = [];
  let error: unknown = null;
  try {
    await serveStore({ port, clock: patient, store: gate.store, diagnose: (line) => lines.push(line) });
  } catch (thrown) {
    if (!(thrown instanceof NixsealError) || thrown.code === "bug") throw thrown;
    error = thrown;
  }
  await gate.queue.end().catch((thrown: unknown) => (error ??= thrown));
  gate.store.close();
  const answers = Array.from({ length: port.written.length / 8 - 2 }, (_, n) =>
    Number(port.written.readBigUInt64LE(16 + 8 * n)),
  );
  return { gate, lines, error, answers };
}

/** The law: whatever was sent, this is what may be in the store afterwards. */
function assertLaw(gate: MemoryGate, envelope: WarrantEnvelope): void {
  for (const { info, nar } of gate.host.paths.values()) {
    const hash = createHash("sha256").update(nar).digest();
    assert.deepEqual(Buffer.from(info.narHash.digest), hash, info.path);
    const named = envelope.warrant.paths.find((one) => one.path === info.path);
    if (named !== undefined) assert.equal(claimOf(info), claimOf(named));
    else
      assert.ok(
        isContentAddressed(info) ||
          (info.path === cached.info.path && claimOf(info) === claimOf(cached.info)),
        info.path,
      );
  }
}

test("each path by its rule, in one connection, and refusals say what is missing", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const fields = { pending: [envelope], upstream };
  const all = [leaf, stray, cached, forged, addressed, system];
  const { gate, answers, lines, error } = await serve(temporaryDirectory(context), fields, all.map(send));
  assert.equal(error, null);
  assert.deepEqual(answers, [1, 0, 1, 0, 1, 1]);
  assert.deepEqual(
    [...gate.host.paths.keys()].sort(),
    [leaf, cached, addressed, system].map(({ info }) => info.path).sort(),
  );
  assert.deepEqual([...gate.imported].sort(), [leaf.info.path, system.info.path].sort());
  assert.equal(lines.length, 2);
  for (const line of lines)
    assert.match(line, /no warrant names it, no cache's signature covers it, and nobody/);
  assert.deepEqual(gate.log.map(({ event, rule }) => [event, rule]).slice(0, 3), [
    ["received", "warranted"],
    ["refused", "other"],
    ["received", "upstream"],
  ]);
  assertLaw(gate, envelope);
});

test("what Nix takes by its own rules is seen for the ledger, and when that fails nobody is refused", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const claims = { registrationTime: 1_700_000_000, ultimate: true } as const;
  const [one, other] = [cached, addressed].map(({ info, nar }) => ({ nar, info: { ...info, ...claims } }));
  const sent = [leaf, one!, system, other!].map(send);
  const fields = { pending: [envelope], upstream };
  const { gate, answers } = await serve(temporaryDirectory(context), fields, sent);
  assert.deepEqual(answers, [1, 1, 1, 1]);
  assert.deepEqual(gate.witnessed, [one!.info.path, other!.info.path]);
  assert.deepEqual(gate.kept, [leaf.info.path, system.info.path], "what a warrant names is imported as ever");
  for (const path of gate.witnessed) {
    const { registrationTime, ultimate } = gate.host.paths.get(path)!.info;
    assert.deepEqual([registrationTime, ultimate], [0, false], "when it came is not the sender's to say");
  }
  assert.deepEqual(gate.unrecorded, []);

  const failing = new MemoryGate(temporaryDirectory(context), fields);
  await failing.quarantine.prepare();
  failing.rootSays.push(refusal("not-new", "it was there before"));
  for (const held of [cached, addressed, leaf, system])
    assert.deepEqual(await failing.store.addPath(held.info, narOf(held)), { accepted: true });
  await failing.queue.end();
  assert.deepEqual(failing.unrecorded, [`${cached.info.path}: it was there before`]);
  assert.deepEqual(failing.witnessed, [addressed.info.path]);
  failing.store.close();
});

test("what a warrant names and an upstream key has signed goes to Nix as it is, and is kept from the collector", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const signedLeaf = bySigner(leaf);
  const fields = { pending: [envelope], upstream };
  const { gate, answers } = await serve(temporaryDirectory(context), fields, [
    send(signedLeaf),
    send(system),
  ]);
  assert.deepEqual(answers, [1, 1]);
  assert.equal(gate.host.paths.get(leaf.info.path)?.info.signatures.length, 1);
  assert.ok(gate.kept.includes(leaf.info.path));
  assertLaw(gate, envelope);
});

test("a field that is not the warrant's is refused, each of them", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const other = path("system", "another system", [leaf]);
  const differing: readonly Held[] = [
    other,
    { ...system, info: { ...system.info, references: [] } },
    { ...system, info: { ...system.info, references: [...system.info.references, stray.info.path].sort() } },
    { ...system, info: { ...system.info, contentAddress: { method: "nar", hash: system.info.narHash } } },
    bySigner(other),
  ];
  for (const [n, held] of differing.entries()) {
    const { gate, answers, lines } = await serve(
      join(temporaryDirectory(context), String(n)),
      { pending: [envelope], upstream },
      [send(held)],
    );
    assert.deepEqual(answers, [0]);
    assert.match(lines[0]!, /but warrant 1|are not those that warrant 1/);
    assert.equal(gate.host.paths.size, 0);
  }
});

test("what is valid and differs from the warrant is asked for again, and what is right is not", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const gate = new MemoryGate(temporaryDirectory(context), { pending: [envelope] });
  await gate.quarantine.prepare();
  const wishes = { repair: false, checkSignatures: true };
  const planted = path("leaf", "planted");
  for (const held of [planted, system, stray]) gate.host.paths.set(held.info.path, { ...held, wishes });
  const paths = [leaf, system, stray, cached].map(({ info }) => info.path);
  assert.deepEqual(
    [...(await gate.store.queryValidPaths(paths))].sort(),
    [system.info.path, stray.info.path].sort(),
  );
  assert.equal(await gate.store.queryPathInfo(leaf.info.path), null);
  assert.equal((await gate.store.queryPathInfo(system.info.path))?.path, system.info.path);
  await gate.store.addTempRoots(paths);
  assert.deepEqual(
    gate.host.roots.sort(),
    [system.info.path, stray.info.path].sort(),
    "no root on what is to go",
  );
  assert.deepEqual(await gate.store.addPath(leaf.info, narOf(leaf)), { accepted: true });
  assert.equal((await gate.store.queryPathInfo(leaf.info.path))?.path, leaf.info.path);
  gate.store.close();
});

test("an import that fails is told with the last path that the client sends, or the next", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const query = new WireMessage()
    .integer(1)
    .boolean(false)
    .boolean(false)
    .strings([leaf, system].map(({ info }) => info.path).sort()).bytes;
  const gate = new MemoryGate(temporaryDirectory(context), { pending: [envelope] });
  await gate.quarantine.prepare();
  gate.rootSays.push(refusal("threshold", "one of two signers still counts"));
  const lines: string[] = [];
  const port = new ScriptedPort([hello.bytes, query, send(leaf), send(system)]);
  await serveStore({ port, clock: patient, store: gate.store, diagnose: (line) => lines.push(line) });
  assert.equal(port.written.readBigUInt64LE(port.written.length - 8), 0n);
  assert.match(lines.join(), /leaf was received and not imported: one of two signers still counts/);
  await gate.queue.end();
  assert.deepEqual([...gate.host.paths.keys()], []);
  assert.deepEqual(
    fs.readdirSync(gate.quarantine.directory).filter((name) => name.endsWith(".nar")),
    [],
  );
  gate.store.close();
});

test("an archive that another connection took away is published again", async (context) => {
  const large = path("large", "x".repeat(largestEnclosed));
  const envelope = await warrantFor(large);
  const gate = new MemoryGate(temporaryDirectory(context), { pending: [envelope] });
  await gate.quarantine.prepare();
  gate.rootSays.push(refusal("not-found", "no such file or directory"));
  assert.deepEqual(await gate.store.addPath(large.info, narOf(large)), { accepted: true });
  assert.ok(gate.imported.has(large.info.path));
  gate.store.close();
});

test("any byte flipped, cut off, doubled or in another order: the law holds, and nothing is left behind", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const directory = temporaryDirectory(context);
  const fields = { pending: [envelope], upstream };
  const messages = [leaf, stray, cached, addressed, system].map(send);
  const whole = Buffer.concat(messages);
  let n = 0;
  const check = async (bytes: Uint8Array, size: number): Promise<void> => {
    const { gate } = await serve(join(directory, String(n++)), fields, [bytes], size);
    assertLaw(gate, envelope);
    const left = fs.readdirSync(gate.quarantine.directory, { recursive: true, encoding: "utf8" });
    assert.deepEqual(left.sort(), ["claims", "incoming"]);
    fs.rmSync(gate.quarantine.directory, { recursive: true });
  };
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom("flip", "cut", "double", "swap", "shuffle"),
      fc.constantFrom(7, 64, 100_000),
      async (at, bits, how, size) => {
        const changed = Buffer.from(whole);
        if (how === "flip") changed[at]! ^= bits;
        if (how === "swap") changed.copyWithin(at, at + 8, at + 16);
        const other =
          how === "cut"
            ? whole.subarray(0, at)
            : how === "double"
              ? Buffer.concat([whole.subarray(0, at), whole.subarray(Math.max(0, at - bits))])
              : how === "shuffle"
                ? Buffer.concat(
                    [...messages].sort((a, b) => (a[at % a.length]! ^ bits) - (b[at % b.length]! ^ bits)),
                  )
                : changed;
        await check(other, size);
      },
    ),
    { numRuns: 250 },
  );
});

test("the same over the worker protocol, in one upload of many", async (context) => {
  const envelope = await warrantFor(leaf, system);
  const directory = temporaryDirectory(context);
  const body = new WireMessage().integer(4);
  for (const { info, nar } of [leaf, cached, addressed, system]) writePathInfo(body, info).raw(nar);
  const start = new WireMessage().integer(0x6e697863).integer(0x122).integer(0).integer(0);
  const request = new WireMessage()
    .integer(44)
    .integer(0)
    .integer(0)
    .integer(body.bytes.length)
    .raw(body.bytes)
    .integer(0).bytes;
  let n = 0;
  const upload = async (bytes: Uint8Array): Promise<MemoryGate> => {
    const gate = new MemoryGate(join(directory, String(n++)), { pending: [envelope], upstream });
    await gate.quarantine.prepare();
    const port = new ScriptedPort([start.bytes, bytes], 1000);
    await serveWorker({ port, clock: patient, store: gate.store, software: "test" }).catch(
      (error: unknown) => {
        if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      },
    );
    await gate.queue.end().catch(() => undefined);
    gate.store.close();
    assertLaw(gate, envelope);
    return gate;
  };
  assert.equal((await upload(request)).host.paths.size, 4);
  await fc.assert(
    fc.asyncProperty(fc.nat(request.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = Uint8Array.from(request);
      changed[at]! ^= bits;
      await upload(changed);
    }),
    { numRuns: 200 },
  );
});
