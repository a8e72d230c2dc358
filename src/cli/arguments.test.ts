import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flag } from "../ops/op.ts";
import { parseArguments } from "./arguments.ts";

const flag = (field: string, rest: Partial<Flag> = {}): Flag => ({
  field,
  type: "string",
  many: false,
  required: false,
  description: "",
  ...rest,
});
const flags = [
  flag("name", { required: true }),
  flag("hosts", { many: true }),
  flag("identity", { short: "i", many: true }),
  flag("fromFile"),
  flag("armor", { short: "a", type: "boolean" }),
  flag("length", { type: "number" }),
];
const parse = (...words: string[]) => parseArguments(words, flags, ["name", "hosts"]);

test("flags, letters, values in both spellings, lists and places", () => {
  assert.deepEqual(
    parse("-a", "db", "-ik1", "--identity=k2", "web", "--from-file", "-", "--length", "7", "!x").input,
    {
      name: "db",
      hosts: ["web", "!x"],
      identity: ["k1", "k2"],
      fromFile: "-",
      armor: true,
      length: 7,
    },
  );
  assert.deepEqual(parse("db", "--json", "--fleet", "/f").globals, { json: true, fleet: "/f" });
});

test("-- ends the flags", () => {
  assert.deepEqual(parse("--", "-name", "--json").input, { name: "-name", hosts: ["--json"] });
});

test("what is wrong is said, with the nearest flag", () => {
  const wrong: [string[], RegExp, RegExp?][] = [
    [["db", "--identiy", "k"], /unknown flag '--identiy'/, /did you mean '--identity'/],
    [["db", "-i"], /-i needs a value/],
    [["db", "--armor=yes"], /takes no value/],
    [["db", "--length", "7x"], /needs a whole number/],
    [["db", "--from-file", "a", "--from-file", "b"], /given twice/],
    [[], /NAME is missing/],
  ];
  for (const [words, message, hint] of wrong)
    assert.throws(() => parse(...words), { code: "usage", message, ...(hint === undefined ? {} : { hint }) });
  assert.throws(() => parseArguments(["a", "b"], flags, ["name"]), { message: /unexpected argument 'b'/ });
});

test("a verb's own flag wins over a global one of the same letter", () => {
  const host = [flag("host", { short: "h" })];
  assert.deepEqual(parseArguments(["-h", "web"], host, []).input, { host: "web" });
});
