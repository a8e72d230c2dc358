import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fleetOf, keyLine } from "../../test/support/fleets.ts";
import { temporaryDirectory } from "../../test/support/temporary.ts";

const program = fileURLToPath(new URL("../../../bin/nixseal", import.meta.url));

function nixseal(cwd: string, ...args: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    spawn(process.execPath, [program, ...args], { cwd, stdio: "ignore", timeout: 60_000 }).once(
      "exit",
      resolve,
    );
  });
}

test(
  "operators at once: every change lands, and nothing else is left in the repository",
  { timeout: 120_000 },
  async (context) => {
    const directory = temporaryDirectory(context);
    mkdirSync(join(directory, ".git"));
    writeFileSync(join(directory, "fleet.toml"), "# kept\n");
    const names = ["a", "b", "c", "d"];
    const codes = await Promise.all(
      names.map((name) => nixseal(directory, "member", "add", name, "--key", keyLine(name))),
    );
    assert.deepEqual(codes, [0, 0, 0, 0]);
    const text = readFileSync(join(directory, "fleet.toml"), "utf8");
    assert.ok(text.startsWith("# kept\n"));
    assert.deepEqual([...(await fleetOf(text)).members.keys()].sort(), names);
    assert.deepEqual(readdirSync(directory).sort(), [".git", "fleet.toml"]);
  },
);

test("a symlink stays one, and the file behind it keeps its mode", { timeout: 60_000 }, async (context) => {
  const directory = temporaryDirectory(context);
  const real = join(directory, "real.toml");
  writeFileSync(real, "");
  chmodSync(real, 0o640);
  symlinkSync("real.toml", join(directory, "fleet.toml"));
  assert.equal(await nixseal(directory, "host", "add", "h", "--host-key", keyLine("h")), 0);
  assert.ok(lstatSync(join(directory, "fleet.toml")).isSymbolicLink());
  assert.equal(statSync(real).mode & 0o777, 0o640);
  assert.match(readFileSync(real, "utf8"), /^\[hosts\.h\]/);
});

test("a dry run and a refused change leave the file as it was", { timeout: 60_000 }, async (context) => {
  const directory = temporaryDirectory(context);
  const text = '[hosts.a]\ntags = ["x"]\n[secrets.s]\nhosts = ["tag:x"]\n';
  writeFileSync(join(directory, "fleet.toml"), text);
  assert.equal(await nixseal(directory, "host", "rename", "a", "b", "--dry-run"), 0);
  assert.equal(await nixseal(directory, "host", "remove", "a"), 2);
  assert.equal(readFileSync(join(directory, "fleet.toml"), "utf8"), text);
});
