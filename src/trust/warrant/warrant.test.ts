import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { closurePath, later, pathOf, sorted, system, warrant } from "../../../test/support/warrants.ts";
import { utf8 } from "../../core/bytes.ts";
import { parseContentAddress } from "../../nix/content-address.ts";
import { fromBaseName, type StorePath } from "../../nix/store-path.ts";
import type { Warrant } from "./model.ts";
import { encodeWarrant, parseWarrant } from "./warrant.ts";

const digest = "ab".repeat(32);
const drvPath = fromBaseName("2ymqg1z7gf7l8vz1830kxvr4mpv8fr5n-system.drv");
const source = { repo: "git@example.org:fleet.git", commit: "a".repeat(40), tree: "b".repeat(64) };

test("reads as it was written", () => {
  const seconds = fc.integer({ min: 0, max: 200_000_000_000 });
  const fields = fc.record({
    subject: fc
      .tuple(fc.constantFrom("host" as const, "group" as const), fc.constantFrom("web", "a.b-c_d", "9"))
      .map(([kind, name]) => ({ kind, name })),
    seq: fc.integer({ min: 2 }),
    action: fc.constantFrom("switch" as const, "boot" as const, "test" as const),
    times: fc.tuple(seconds, fc.integer({ min: 1, max: 1_000_000 })),
    drvPath: fc.constantFrom(drvPath, null),
    source: fc.constantFrom(source, null),
  });
  fc.assert(
    fc.property(fields, ({ times: [from, length], ...rest }) => {
      const notBefore = new Date(from * 1000);
      const expires = new Date((from + length) * 1000);
      const order = warrant({ ...rest, prev: digest, notBefore, expires });
      assert.deepEqual(parseWarrant(encodeWarrant(order)), order);
    }),
  );
});

test("the format, to the byte", () => {
  const address = parseContentAddress("fixed:r:sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s");
  const only = { ...closurePath("system-1.0"), contentAddress: address };
  const order = warrant({ seq: 7, prev: digest, drvPath, source, paths: [only] });
  assert.equal(
    Buffer.from(encodeWarrant(order)).toString("utf8"),
    `{"action":"switch","drvPath":"${drvPath}","expires":"2030-06-02T11:00:00Z","fleet":"test","host":"web",` +
      `"notBefore":"2030-06-01T11:00:00Z","paths":[["${pathOf("system-1.0")}",` +
      `"sha256:0av3k5273380phw7vs2ijx4icf1g81h5lwmdpqnj7r76vbzqjgby",110,[],` +
      `"fixed:r:sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"]],"prev":"${digest}","seq":7,` +
      `"source":{"commit":"${source.commit}","repo":"${source.repo}","tree":"${source.tree}"},` +
      `"toplevel":"${pathOf("system-1.0")}","v":1}`,
  );
});

const [first, second, third] = sorted(system);
const wrong: Record<string, Partial<Warrant>> = {
  "no path": { paths: [] },
  "an order of paths that is not the bytes'": { paths: [second!, first!, third!] },
  "a path twice": { paths: [first!, first!, second!, third!] },
  "a reference to a path that is not listed": { paths: sorted(system.slice(0, 2)) },
  "a path that the toplevel does not need": { paths: sorted([...system, closurePath("sudo-1.0")]) },
  "two stray paths that refer to each other": {
    paths: sorted([...system, closurePath("a", ["b"]), closurePath("b", ["a"])]),
  },
  "a toplevel that is not listed": { toplevel: pathOf("other") },
  "references out of order": {
    paths: sorted(system).map((one) => ({ ...one, references: one.references.toReversed() })),
  },
  "a reference twice": {
    paths: sorted(system).map((one) => ({
      ...one,
      references: one.references.flatMap((path) => [path, path]),
    })),
  },
  "a path of another store": {
    paths: sorted(system.map((one) => ({ ...one, path: one.path.replace("/nix/", "/gnu/") as StorePath }))),
  },
  "a NAR hash that is not SHA-256": {
    paths: sorted(system).map((one) => ({
      ...one,
      narHash: { algorithm: "md5", digest: new Uint8Array(16) },
    })),
  },
  "an empty NAR": { paths: sorted(system).map((one) => ({ ...one, narSize: 0 })) },
  "sizes that no number holds": {
    paths: sorted(system).map((one) => ({ ...one, narSize: Number.MAX_SAFE_INTEGER })),
  },
  "number 0": { seq: 0 },
  "one before the first": { prev: digest },
  "none before the second": { seq: 2 },
  "a digest in upper case": { seq: 2, prev: digest.toUpperCase() },
  "an end at its beginning": { expires: later(-1) },
  "a host that is a path": { subject: { kind: "host", name: "../web" } },
  "an action that is none": { action: "dry-activate" as "test" },
  "a derivation that is none": { drvPath: pathOf("system-1.0") },
  "a source with control characters": { source: { ...source, repo: "x\u001b[2J" } },
  "a commit that is abbreviated": { source: { ...source, commit: "abcdef1" } },
};
for (const [what, fields] of Object.entries(wrong))
  test(`${what} is malformed`, () => {
    assert.throws(() => parseWarrant(encodeWarrant(warrant(fields))), { code: "malformed" });
  });

test("a path of another store is malformed, also where it is referred to", () => {
  const foreign = {
    ...closurePath("glibc-2.39"),
    path: "/gnu/store/00000000000000000000000000000000-x" as StorePath,
  };
  const toplevel = { ...closurePath("system-1.0"), references: [foreign.path] };
  const paths = sorted([foreign, toplevel]);
  assert.throws(() => parseWarrant(encodeWarrant(warrant({ paths }))), { code: "malformed" });
});

test("another spelling of the same warrant is malformed", () => {
  const text = Buffer.from(encodeWarrant(warrant())).toString("utf8");
  for (const [from, to] of [
    [/^\{/, "{ "],
    [/$/, "\n"],
    ['"seq":1', '"seq":1.0'],
    ['"seq":1', '"seq":2,"seq":1'],
    ['"web"', '"\\u0077eb"'],
  ] as const)
    assert.throws(() => parseWarrant(utf8(text.replace(from, to))), { code: "malformed" }, to);
});

test("fields that are missing, unknown, or exclude each other are malformed", () => {
  const value = JSON.parse(Buffer.from(encodeWarrant(warrant())).toString("utf8")) as Record<string, unknown>;
  const { host, v, ...rest } = value;
  for (const changed of [
    { ...rest, v },
    { ...rest, host },
    { ...value, group: "edge" },
    { ...value, v: 2 },
    { ...value, extra: 1 },
    { ...value, source: null },
    { ...value, drvPath: null },
    { ...value, paths: {} },
    { ...value, paths: [null] },
    { ...value, seq: "1" },
    { ...value, prev: 0 },
    [1],
    "x",
    null,
  ]) {
    const sortedKeys =
      typeof changed === "object" && changed !== null && !Array.isArray(changed)
        ? Object.fromEntries(Object.entries(changed).sort(([a], [b]) => (a < b ? -1 : 1)))
        : changed;
    assert.throws(() => parseWarrant(utf8(JSON.stringify(sortedKeys))), { code: "malformed" });
  }
});

test("a chain of 20,000 paths is read without overflow", () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `p${index}`);
  const paths = sorted(names.map((name, index) => closurePath(name, names.slice(index + 1, index + 2))));
  const order = warrant({ toplevel: pathOf("p0"), paths });
  assert.equal(parseWarrant(encodeWarrant(order)).paths.length, names.length);
});
