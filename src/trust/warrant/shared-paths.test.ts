import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { signed, warrant } from "../../../test/support/warrants.ts";
import { SharedPaths } from "./shared-paths.ts";
import { encodeWarrant, parseWarrant, payloadDigest } from "./warrant.ts";

test("what is the same is kept once, what differs in anything is not", async () => {
  const one = await signed(warrant());
  const [first, ...others] = one.warrant.paths;
  const changes = [
    { narSize: first!.narSize + 1 },
    { narHash: { ...first!.narHash, digest: new Uint8Array(32) } },
    { references: [] },
    { references: [...first!.references, others[0]!.path] },
    { contentAddress: { method: "nar", hash: first!.narHash } as const },
  ];
  for (const change of changes) {
    const shared = new SharedPaths();
    const [a, b] = [shared.of(one), shared.of(structuredClone(one))];
    a.warrant.paths.forEach((path, index) => assert.equal(path, b.warrant.paths[index]));
    const changed = { ...first!, ...change };
    const other = shared.of({ ...one, warrant: { ...one.warrant, paths: [changed, ...others] } });
    assert.deepEqual(other.warrant.paths[0], changed);
  }
});

test("a warrant says what it said, in the bytes that were signed", async () => {
  const one = await signed(warrant());
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 }), (sizes) => {
      const shared = new SharedPaths();
      for (const narSize of sizes) {
        const paths = one.warrant.paths.map((path) => ({ ...path, narSize }));
        const payload = encodeWarrant({ ...one.warrant, paths });
        const given = { ...one, payload, warrant: parseWarrant(payload), digest: payloadDigest(payload) };
        assert.deepEqual({ ...shared.of(given) }, given);
      }
    }),
  );
});
