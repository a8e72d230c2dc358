import assert from "node:assert/strict";
import { test } from "node:test";
import { flagOp } from "./flag-op.ts";

const operation = flagOp<
  { readonly range: readonly string[]; readonly to?: "a" | "b"; readonly all: boolean },
  string
>({
  effect: "read",
  flags: {
    range: { type: "string", many: true, default: [], description: "some" },
    to: { type: "string", choices: ["a", "b"], description: "one of two" },
    all: { type: "boolean", default: false, description: "more" },
  },
  positional: ["range"],
  examples: [{ command: "x", says: "y" }],
  run: async (_, { range, to }) => `${range.join()} ${to ?? ""}`,
  text: (output) => output,
});

test("flags that are written out: defaults, choices, and nothing that has no flag", () => {
  assert.deepEqual(operation.check({}), { input: { range: [], all: false } });
  assert.deepEqual(operation.check({ range: ["x"], to: "b", all: true, other: 1 }), {
    input: { range: ["x"], to: "b", all: true },
  });
  assert.deepEqual(operation.check({ to: "c" }), { wrong: "expected one of a, b", field: "to" });
});

test("the list of flags has what help and completion ask for", () => {
  const flags = operation.flags().map(({ field, many, required }) => [field, many, required]);
  assert.deepEqual(flags, [
    ["range", true, false],
    ["to", false, false],
    ["all", false, false],
  ]);
});
