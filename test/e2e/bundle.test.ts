/** Orders as files, for hosts without a network (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { DeployLab } from "../support/deploy-lab.ts";
import { order, pullingGate, runAgent, startAgent } from "../support/pulling-host.ts";

const storeOf = (lab: DeployLab): readonly string[] => ["--store", lab.builder.directory];

test("out as a bundle, back as a receipt; the next one holds only what is new", async (t) => {
  const lab = await DeployLab.make(t, ["buoy"], { gate: pullingGate });
  const buoy = lab.host("buoy");
  const bundle = join(lab.directory, "buoy.bundle");
  // Several paths of one content, small and large: an archive is in the bundle once.
  const twins = ["a", "b"].flatMap((name) => [
    lab.builder.add(`twin-${name}`, "the same"),
    lab.builder.addFile(`large-twin-${name}`, 2 << 20, "the same"),
  ]);
  const one = await order(lab, "buoy", "one", { twins: twins.join(" ") }, twins);
  await lab.must("bundle", "create", "buoy", "-o", bundle, ...storeOf(lab));
  assert.match(
    await lab.must("bundle", "show", bundle),
    /order 1 for buoy of lab: switch .*-nixos-system-one/,
  );

  const done = await runAgent(lab, "buoy", "bundle", "apply", bundle);
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.deepEqual([buoy.running(), buoy.boots()], [one, one]);
  const shown = await lab.must("bundle", "receipt", `${bundle}.receipt`);
  assert.match(shown, /buoy: order 1, active/);
  const again = await lab.must("bundle", "receipt", `${bundle}.receipt`);
  assert.equal(again, shown, "the same receipt is in the log once");
  assert.match(await lab.must("log", "verify"), /sound/);

  // A receipt that says something else than the host does.
  const receipt = JSON.parse(fs.readFileSync(`${bundle}.receipt`, "utf8")) as { payload: string };
  const said = Buffer.from(receipt.payload, "base64")
    .toString()
    .replace('"outcome":"active"', '"outcome":"broken"');
  const forged = { ...receipt, payload: Buffer.from(said).toString("base64") };
  fs.writeFileSync(join(lab.directory, "forged"), `${JSON.stringify(forged)}\n`);
  const refused = await lab.run("bundle", "receipt", join(lab.directory, "forged"));
  assert.equal(refused.code, 4, refused.stdout);

  const library = lab.builder.add("lib-one", { code: "library of one" });
  const two = await order(lab, "buoy", "two", { uses: library });
  const small = join(lab.directory, "small.bundle");
  const made = await lab.must(
    "bundle",
    "create",
    "buoy",
    "-o",
    small,
    "--since",
    "1",
    ...storeOf(lab),
    "--json",
  );
  assert.equal((JSON.parse(made) as { archives: number }).archives, 2, "the system and its library");
  assert.deepEqual(
    fs.readdirSync(lab.directory).filter((name) => name.includes(".parts")),
    [],
  );
  assert.equal((await runAgent(lab, "buoy", "bundle", "apply", small)).code, 0);
  assert.equal(buoy.running(), two);

  // The former one once more: a replay.
  const replayed = await runAgent(lab, "buoy", "bundle", "apply", bundle);
  assert.equal(replayed.code, 4, replayed.stdout);
  assert.match(replayed.stderr, /goes back: its newest order is 1, and 2 was accepted/);
  assert.equal(buoy.running(), two);

  // Stock tools read it: it is a delivery's directory, with a binary cache.
  const unpacked = join(lab.directory, "unpacked");
  fs.mkdirSync(unpacked);
  execFileSync("tar", ["-xzf", bundle, "-C", unpacked]);
  const other = lab.host("buoy").store.text("nix", "path-info", "--store", `file://${unpacked}/cache`, one);
  assert.equal(other, one);
});

test("damaged, cut, swapped and foreign bundles touch nothing", async (t) => {
  const lab = await DeployLab.make(t, ["buoy", "other"], { gate: pullingGate });
  const buoy = lab.host("buoy");
  const before = buoy.running();
  const bundle = join(lab.directory, "buoy.bundle");
  await order(lab, "buoy", "one", { filler: "x".repeat(5000) });
  await lab.must("bundle", "create", "buoy", "-o", bundle, ...storeOf(lab));
  const tar = gunzipSync(fs.readFileSync(bundle));
  const at = (text: string): number => tar.indexOf(text);
  const flip = (offset: number): Buffer => {
    const copy = Buffer.from(tar);
    copy[offset]! ^= 1;
    return copy;
  };
  const paths = fs.readdirSync(join(buoy.root, "nix/store"));
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ["a bit of an archive", gzipSync(flip(at("xxxxxxxx") + 100)), /is damaged/],
    ["a bit of the manifest", gzipSync(flip(at('"sha256":"') + 12)), /damaged|not JSON|expected/],
    ["a bit of a header", gzipSync(flip(at("hosts/buoy/status.json") + 1)), /damaged|headers? is not/],
    ["cut within gzip", fs.readFileSync(bundle).subarray(0, -100), /ends early/],
    ["cut between two files", gzipSync(tar.subarray(0, Math.floor(tar.length / 1024) * 512)), /cut/],
    ["something behind", gzipSync(Buffer.concat([tar, Buffer.alloc(512)])), /does not end/],
    ["no gzip", tar, /gzip is damaged/],
    ["nothing", Buffer.alloc(0), /gzip|cut/],
    ["zeros for ever", gzipSync(Buffer.alloc(64 << 20)), /does not end|empty/],
    ["a symlink", gzipSync(tarOf(lab.directory, "link")), /header is not one of ours/],
  ];
  for (const [name, bytes, why] of cases) {
    const file = join(lab.directory, "bad.bundle");
    fs.writeFileSync(file, bytes);
    const { code, stderr } = await runAgent(lab, "buoy", "bundle", "apply", file);
    assert.equal(code, 2, `${name}: ${stderr}`);
    assert.match(stderr, why, name);
  }
  const pipe = join(lab.directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  assert.match((await runAgent(lab, "buoy", "bundle", "apply", pipe)).stderr, /not a regular file/);
  const foreign = await runAgent(lab, "other", "bundle", "apply", bundle);
  assert.equal(foreign.code, 4);
  assert.match(foreign.stderr, /is for buoy of lab; this is other/);
  assert.deepEqual([buoy.running(), buoy.log()], [before, []]);
  assert.deepEqual(fs.readdirSync(join(buoy.root, "nix/store")), paths);
  assert.equal((await runAgent(lab, "buoy", "bundle", "apply", bundle)).code, 0, "the good one works still");
});

function tarOf(directory: string, name: string): Buffer {
  fs.symlinkSync("/etc/shadow", join(directory, name));
  return execFileSync("tar", ["--format=ustar", "-C", directory, "-cf", "-", name]);
}

test("killed half-way, the same bundle once more ends it; two at once end as one", async (t) => {
  const lab = await DeployLab.make(t, ["buoy"], { gate: pullingGate });
  const buoy = lab.host("buoy");
  const first = buoy.running();
  const bundle = join(lab.directory, "buoy.bundle");
  // Three paths of one content.
  const twins = ["a", "b"].map((name) => lab.builder.add(`twin-${name}`, "the same"));
  const one = await order(lab, "buoy", "one", { twins: twins.join(" ") }, twins);
  await lab.must("bundle", "create", "buoy", "-o", bundle, ...storeOf(lab));
  for (const delay of [400, 700, 1100]) {
    const { ended, kill } = startAgent(lab, "buoy", ["bundle", "apply", bundle]);
    await sleep(delay);
    try {
      kill();
    } catch {
      // it has ended already
    }
    await ended;
    assert.ok([first, one].includes(buoy.running()));
  }
  const both = await Promise.all([1, 2].map(() => runAgent(lab, "buoy", "bundle", "apply", bundle)));
  assert.ok(
    both.some(({ code }) => code === 0),
    JSON.stringify(both),
  );
  assert.deepEqual([buoy.running(), buoy.boots()], [one, one]);
  for (const twin of twins) assert.ok(buoy.store.has(twin), twin);
});
