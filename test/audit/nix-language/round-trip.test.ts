import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Expression } from "../../../src/audit/nix-language/ast.ts";
import { parseNix } from "../../../src/audit/nix-language/parser.ts";
import { top } from "../../console.ts";
import { source } from "./generate.ts";
import { print } from "./print.ts";

/** Without what printing changes: places, and indented strings, which are printed with quotes. */
function shape(tree: Expression): string {
  return JSON.stringify(tree, (key, value: unknown) => {
    if (key === "at" || key === "operatorAt") return undefined;
    if (key === "form" && value === "indented") return "quoted";
    return typeof value === "bigint" ? String(value) : value;
  });
}

function assertReadsBack(text: string | Uint8Array): void {
  const tree = parseNix(Buffer.from(text));
  const printed = print(tree);
  assert.equal(shape(parseNix(Buffer.from(printed))), shape(tree), printed);
}

test("generated trees read back as they were printed", () => {
  fc.assert(
    fc.property(source, (text) => {
      try {
        parseNix(Buffer.from(text));
      } catch {
        fc.pre(false); // operators that don't associate, attributes given twice
      }
      assertReadsBack(text);
    }),
    { numRuns: 500 },
  );
});

test("the vectors read back as they were printed", () => {
  for (const kind of ["accept", "accept-newer"]) {
    const directory = join(top, "test/vectors/nix-language", kind);
    for (const name of readdirSync(directory)) assertReadsBack(readFileSync(join(directory, name)));
  }
});
