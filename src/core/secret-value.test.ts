import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { SecretValue } from "./secret-value.ts";

test("a secret value does not print, however it is printed", () => {
  const secret = SecretValue.fromText("hunter2");
  const printed = [
    String(secret),
    inspect({ secret }, { depth: 9, showHidden: true }),
    JSON.stringify({ secret }),
    format("%s %o", secret, secret),
  ];
  for (const text of printed) assert.doesNotMatch(text, /hunter2|104,\s*117|68\s*75/);
});

test("wiped is gone", () => {
  const secret = SecretValue.fromText("hunter2");
  secret.wipe();
  assert.deepEqual([...secret.reveal()], [0, 0, 0, 0, 0, 0, 0]);
});
