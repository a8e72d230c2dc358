import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../core/bytes.ts";
import type { ReadManifest } from "./manifest-check.ts";
import type { ManifestSecret, Stage } from "./manifest.ts";
import {
  checkPushed,
  formatPushed,
  nothingPushed,
  parsePushed,
  pushedAfter,
  withPushed,
  type Pushed,
} from "./pushed.ts";

/** A digest that is easy to read: 64 times the letter. */
const d = (letter: string): string => letter.repeat(64);

function secret(name: string, digest: string, stage: Stage = "default"): ManifestSecret {
  return {
    name,
    source: `secrets/${name}.age`,
    digest,
    path: `/run/nixseal/secrets/${name}`,
    owner: "root",
    group: "root",
    mode: "0400",
    stage,
    restart: [],
    reload: [],
    credential: null,
    together: null,
  };
}

function system(...secrets: readonly ManifestSecret[]): ReadManifest {
  return { manifest: { version: 1, host: "web", identities: ["/k"], secrets }, file: "/m", directory: "/" };
}

const inPlace = (read: ReadManifest, pushed: Pushed): string[] =>
  withPushed(read, pushed, "/p").manifest.secrets.map(({ digest, source }) => `${digest[0]} ${source}`);

const former = system(secret("one", d("a")), secret("two", d("0")));

test("a pushed value stands in for those that it came after, and a newer system's own counts", () => {
  const order = [{ name: "one", digest: d("b"), replaces: [d("9")] }];
  const pushed = pushedAfter(nothingPushed, 1, order, former.manifest);
  const mine = `b /p/${d("b")}.age`;
  assert.deepEqual(inPlace(former, pushed), [mine, "0 secrets/two.age"]);
  assert.deepEqual(inPlace(system(secret("one", d("9"))), pushed), [mine], "of before, by the order");
  assert.deepEqual(inPlace(system(secret("one", d("c"))), pushed), ["c secrets/one.age"], "newer");
  assert.deepEqual(inPlace(system(secret("one", d("b"))), pushed), ["b secrets/one.age"], "the same");
  assert.deepEqual(inPlace(system(secret("one", d("a"), "users")), pushed), ["a secrets/one.age"]);
  assert.deepEqual(inPlace(system(secret("other", d("a"))), pushed), ["a secrets/other.age"]);
});

test("a second push replaces the first, and never is an older value back", () => {
  const first = pushedAfter(
    nothingPushed,
    1,
    [{ name: "one", digest: d("b"), replaces: [] }],
    former.manifest,
  );
  // The host runs a system by now that brings `c`; then comes `e`, of whose sender git knows nothing.
  const later = system(secret("one", d("c"))).manifest;
  const second = pushedAfter(first, 2, [{ name: "one", digest: d("e"), replaces: [] }], later);
  for (const digest of ["a", "b", "c"])
    assert.deepEqual(inPlace(system(secret("one", d(digest))), second), [`e /p/${d("e")}.age`], digest);
  assert.equal(second.seq, 2);
  // Back on purpose to a former value: the newest order counts.
  const third = pushedAfter(second, 3, [{ name: "one", digest: d("b"), replaces: [d("e")] }], later);
  assert.deepEqual(inPlace(system(secret("one", d("e"))), third), [`b /p/${d("b")}.age`]);
  assert.deepEqual(inPlace(system(secret("one", d("b"))), third), ["b secrets/one.age"]);
});

test("the list is read as it was written, does not grow without end, and damage is noticed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.constantFrom("one", "two"), to: fc.integer({ min: 0, max: 999 }) }), {
        maxLength: 20,
      }),
      (pushes) => {
        let pushed = nothingPushed;
        for (const [index, { name, to }] of pushes.entries()) {
          const digest = to.toString(16).padStart(64, "0");
          pushed = pushedAfter(pushed, index + 1, [{ name, digest, replaces: [] }], former.manifest);
        }
        assert.deepEqual(parsePushed(formatPushed(pushed)), pushed);
      },
    ),
    { numRuns: 50 },
  );
  let long = nothingPushed;
  for (let number = 1; number <= 1500; number++) {
    const digest = number.toString(16).padStart(64, "0");
    long = pushedAfter(long, number, [{ name: "one", digest, replaces: [] }], former.manifest);
  }
  assert.equal(parsePushed(formatPushed(long)).values[0]!.replaces.length, 1024);
  for (const bad of [
    "",
    "{}",
    "[]",
    '{"seq":-1,"v":1,"values":[]}',
    '{"seq":1,"v":1,"values":[{"name":"../x"}]}',
  ])
    assert.throws(() => parsePushed(utf8(bad)), bad);
});

test("a list that nobody could read again is not written", () => {
  const replaces = Array.from({ length: 1024 }, (_, index) => index.toString(16).padStart(64, "0"));
  const values = Array.from({ length: 1000 }, (_, index) => ({
    name: `s${index}`,
    digest: d("a"),
    replaces,
  }));
  assert.throws(() => checkPushed({ v: 1, seq: 1, values }), { code: "limit" });
  checkPushed({ v: 1, seq: 1, values: values.slice(0, 100) });
});
