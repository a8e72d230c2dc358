/** The hooks in the shells that they are for, each as an interactive one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { hookOf, type Shell } from "../src/watch/hooks.ts";
import { temporaryDirectory } from "./support/temporary.ts";

const interpreters: readonly (readonly [shell: Shell, program: string, args: readonly string[]])[] = [
  ["bash", "bash", ["--norc", "-i"]],
  ["zsh", "zsh", ["-f", "-i"]],
  ["sh", "dash", ["-i"]],
  ["fish", "fish", ["--no-config", "-i"]],
];

function shown(
  t: TestContext,
  [shell, program, args]: (typeof interpreters)[number],
  text: string | null,
  before = "",
) {
  const directory = temporaryDirectory(t);
  const file = join(directory, "notices.txt");
  if (text !== null) writeFileSync(file, text);
  const env = { PATH: process.env["PATH"], HOME: directory, TERM: "dumb", LANG: "C.UTF-8" };
  const script = `${before}${hookOf(shell, file)}`;
  const { stdout, stderr } = spawnSync(program, [...args, "-c", `${script}\necho end`], {
    encoding: "utf8",
    env,
    cwd: directory,
    timeout: 60_000,
  });
  return { stdout, stderr, directory };
}

for (const interpreter of interpreters)
  test(`${interpreter[1]}: prints what is there, says when it is old, and nothing else`, (t) => {
    const later = Math.floor(Date.now() / 1000) + 3600;
    const two = shown(
      t,
      interpreter,
      `nixseal-notices 1 ${later}\nnixseal: 1 known vulnerability\n  a\\b $(touch x) \`touch x\` %s *\n`,
    );
    assert.equal(two.stdout, "nixseal: 1 known vulnerability\n  a\\b $(touch x) `touch x` %s *\nend\n");
    assert.equal(existsSync(join(two.directory, "x")), false);
    assert.equal(shown(t, interpreter, `nixseal-notices 1 ${later}\n`).stdout, "end\n");
    assert.equal(shown(t, interpreter, null).stdout, "end\n");
    for (const old of ["1", "0", "soon", ""])
      assert.match(
        shown(t, interpreter, `nixseal-notices 1 ${old}\nx\n`).stdout,
        /^x\nnixseal: STALE: .*\nend\n$/,
        old,
      );
    assert.equal(shown(t, interpreter, "something else\nx\n").stdout, "end\n");
    const long = shown(t, interpreter, `nixseal-notices 1 ${later}\n${"x\n".repeat(10_000)}`);
    assert.ok(long.stdout.split("\n").length < 20);
    if (interpreter[0] !== "fish")
      assert.equal(shown(t, interpreter, `nixseal-notices 1 ${later}\nx\n`, "set -eu\n").stdout, "x\nend\n");
  });

test("a script is no terminal: nothing is printed", (t) => {
  for (const [shell, program] of interpreters)
    assert.equal(shown(t, [shell, program, []], "nixseal-notices 1 0\nx\n").stdout, "end\n");
});
