import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { temporaryDirectory } from "../../test/support/temporary.ts";
import { NixsealError, placeOf } from "../core/errors.ts";
import { files } from "../system/files.ts";
import { inspectFleet, loadFleet } from "./load.ts";

function write(context: TestContext, texts: Readonly<Record<string, string | Uint8Array>>): string {
  const top = join(temporaryDirectory(context), "fleet");
  for (const [file, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(top, file)), { recursive: true });
    writeFileSync(join(top, file), text);
  }
  return top;
}

async function refusal(directory: string): Promise<NixsealError> {
  try {
    await loadFleet(files, directory);
  } catch (error) {
    assert.ok(error instanceof NixsealError);
    return error;
  }
  throw new assert.AssertionError({ message: "it was loaded" });
}

test("an include-heavy fleet: globs in file and directory names, sorted, each file once", async (context) => {
  const hosts = Array.from({ length: 60 }, (_, n) => [`hosts/r${n % 3}/h${n}.toml`, `[hosts.h${n}]\n`]);
  const directory = write(context, {
    "fleet.toml":
      'include = ["hosts/*/*.toml", "hosts/r0/h0.toml", "people.toml", "hosts/r?/h1?.toml", "none/*.toml"]\n',
    "people.toml": "[members.alice]\n",
    "hosts/r0/.hidden.toml": "nonsense",
    "hosts/r0/readme.md": "nonsense",
    "hosts/r0/dir.toml/x.toml": "[hosts.not-this-deep]\n",
    ...Object.fromEntries(hosts),
  });
  const fleet = await loadFleet(files, directory);
  assert.equal(fleet.hosts.size, 60);
  assert.deepEqual(fleet.files.slice(0, 3), ["fleet.toml", "hosts/r0/h0.toml", "hosts/r0/h12.toml"]);
  assert.deepEqual(fleet.files.slice(1), fleet.files.slice(1).sort());
  assert.deepEqual([...fleet.hosts.values()].find((host) => host.name === "h13")!.file, "hosts/r1/h13.toml");
});

test("errors in an included file name it", async (context) => {
  const directory = write(context, {
    "fleet.toml": 'include = ["a.toml"]',
    "a.toml": "\n[hosts.x]\nport = 0\n",
  });
  assert.equal(placeOf((await refusal(directory)).where), "a.toml:3:8");
  writeFileSync(join(directory, "a.toml"), "[hosts.x\n");
  assert.match(placeOf((await refusal(directory)).where), /^a\.toml:1:/);
});

test("an included file that is not there, or outside, is a problem at its place", async (context) => {
  const directory = write(context, {
    "fleet.toml": 'include = [\n  "gone.toml",\n  "link.toml",\n  "linked/*.toml",\n]\n',
    "../outside/x.toml": "[hosts.x]\n",
  });
  symlinkSync("../outside/x.toml", join(directory, "link.toml"));
  symlinkSync("../outside", join(directory, "linked"));
  const { problems } = await inspectFleet(files, directory);
  assert.deepEqual(
    problems.map((problem) => `${placeOf(problem)} ${problem.message}`),
    [
      "fleet.toml:2:3 'gone.toml' is not there",
      "fleet.toml:3:3 'link.toml' leads out of the fleet's directory",
      "fleet.toml:4:3 'linked/x.toml' leads out of the fleet's directory",
    ],
  );
});

test("a symlink within the fleet is followed", async (context) => {
  const directory = write(context, {
    "fleet.toml": 'include = ["hosts.toml"]',
    "real/hosts.toml": "[hosts.x]\n",
  });
  symlinkSync("real/hosts.toml", join(directory, "hosts.toml"));
  assert.equal((await loadFleet(files, directory)).hosts.size, 1);
});

test("missing, unreadable, not UTF-8, too large", async (context) => {
  const directory = write(context, { "other.toml": "" });
  assert.equal((await refusal(directory)).code, "not-found");
  mkdirSync(join(directory, "fleet.toml"));
  assert.equal((await refusal(directory)).code, "io");
  const pipe = write(context, { "other.toml": "" });
  assert.equal(spawnSync("mkfifo", [join(pipe, "fleet.toml")]).status, 0);
  assert.equal((await refusal(pipe)).code, "io");
  const bytes = write(context, { "fleet.toml": Uint8Array.of(0x61, 0xff) });
  const error = await refusal(bytes);
  assert.equal(error.code, "malformed");
  assert.equal(error.where?.file, "fleet.toml");
  const large = write(context, { "fleet.toml": "#".repeat((16 << 20) + 1) });
  assert.equal((await refusal(large)).code, "limit");
  if (process.getuid?.() === 0) return; // root reads everything
  const closed = write(context, { "fleet.toml": "" });
  chmodSync(join(closed, "fleet.toml"), 0);
  assert.equal((await refusal(closed)).code, "io");
});
