import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNix } from "./parser.ts";
import { walk } from "./walk.ts";

test("every expression is visited once, in the order of the source", () => {
  const source = `{ a ? v1, b }: let c.\${v2} = v3; inherit (v4) d; in with v5; assert v6; if v7 then [ v8 (v9 v10) ]
    else { "x\${v11}" = ./p/\${v12}; y = rec { z = -v13; }; } // v14.k.\${v15} or (v16 ? \${v17}) + "a\${v18}" + (let { body = v19; })`;
  const names: string[] = [];
  let last = -1;
  for (const expression of walk(parseNix(Buffer.from(source)))) {
    assert.ok(expression.at.offset >= last || expression.kind === "binary", expression.kind);
    if (expression.kind === "variable") {
      names.push(expression.name);
      assert.ok(expression.at.offset > last);
      last = expression.at.offset;
    }
  }
  assert.deepEqual(
    names,
    Array.from({ length: 19 }, (_, index) => `v${index + 1}`),
  );
});

test("a tree of any depth is walked", () => {
  let count = 0;
  for (const _ of walk(parseNix(Buffer.from(`${"a ++ ".repeat(50_000)}a`)))) count++;
  assert.equal(count, 100_001);
});
