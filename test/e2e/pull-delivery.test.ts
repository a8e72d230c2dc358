/** Hosts that look for their orders themselves, with real gates and a static server (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../../src/core/bytes.ts";
import { parsePullConfig } from "../../src/delivery/pull-config.ts";
import type { SourceWorld } from "../../src/delivery/pull-source.ts";
import { pull } from "../../src/delivery/pull.ts";
import { parseGateConfig } from "../../src/gate/config.ts";
import { gatePaths } from "../../src/gate/paths.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { downloads, uploads } from "../../src/system/http.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { sockets } from "../../src/system/sockets.ts";
import { top } from "../console.ts";
import { DeployLab } from "../support/deploy-lab.ts";
import {
  configurePull,
  order,
  publish,
  pullingGate,
  runAgent,
  serveStatic,
  startAgent,
} from "../support/pulling-host.ts";

test("from a published order to a host that runs it; no news costs one small request", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  const delivery = join(lab.directory, "delivery");
  const one = await publish(lab, "web", "one", delivery);
  const server = await serveStatic(t, delivery);
  configurePull(lab, "web", { kind: "web", url: server.url });

  const done = await runAgent(lab, "web", "pull", "--json");
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.equal((JSON.parse(done.stdout) as { outcome: string }).outcome, "activated");
  assert.deepEqual([web.running(), web.boots()], [one, one]);

  server.requests.length = 0;
  const again = await runAgent(lab, "web", "pull");
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^nothing-new: /);
  assert.deepEqual(server.requests, [{ path: "/hosts/web/head.json", status: 304, bytes: 0 }]);
  assert.equal((await runAgent(lab, "web", "pull", "--check")).stdout, "the newest order is 1\n");

  // Two orders later, of which it has seen none.
  await order(lab, "web", "two");
  const three = await publish(lab, "web", "three", delivery);
  const third = await runAgent(lab, "web", "pull");
  assert.equal(third.code, 0, third.stderr);
  assert.equal(web.running(), three);
  assert.ok(fs.existsSync(join(delivery, "hosts/web/orders/0002.json")));
});

test("what is bad, replayed or half there is refused, and stands in the way of nothing good", async (t) => {
  const lab = await DeployLab.make(t, ["web", "other"], { gate: pullingGate });
  const web = lab.host("web");
  const first = web.running();
  const delivery = join(lab.directory, "delivery");
  const at = (name: string): string => join(delivery, name);
  await publish(lab, "web", "one", delivery);
  fs.cpSync(delivery, join(lab.directory, "old"), { recursive: true });
  const server = await serveStatic(t, delivery);
  configurePull(lab, "web", { kind: "web", url: server.url });
  const refused = async (what: string, code: number, why: RegExp): Promise<void> => {
    const ended = await runAgent(lab, "web", "pull", "--now");
    assert.equal(ended.code, code, `${what}: ${ended.stdout}${ended.stderr}`);
    assert.match(ended.stderr, why, what);
    assert.equal(web.running(), first, what);
  };
  /** With the file changed while `look` runs. */
  const changed = async (name: string, change: (bytes: Buffer) => Buffer, look: () => Promise<void>) => {
    const good = fs.readFileSync(at(name));
    fs.writeFileSync(at(name), change(good));
    await look();
    fs.writeFileSync(at(name), good);
  };
  const flipped = (bytes: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    copy[Math.floor(copy.length / 2)]! ^= 1;
    return copy;
  };
  const infos = fs.readdirSync(at("cache")).filter((name) => name.endsWith(".narinfo"));
  const textOf = (name: string): string => fs.readFileSync(at(`cache/${name}`), "utf8");
  const system = infos.find((name) => textOf(name).includes("nixos-system-"))!;
  const archive = /^URL: nar\/(.*)$/m.exec(textOf(system))![1]!;
  const order1 = "hosts/web/orders/0001.json";
  await changed("hosts/web/head.json", flipped, () => refused("head", 2, /head/));
  await changed(
    "hosts/web/head.json",
    (b) => b.subarray(0, 40),
    () => refused("cut head", 2, /not JSON/),
  );
  await changed(
    "hosts/web/head.json",
    () => Buffer.alloc(1 << 20, 0x20),
    () => refused("huge head", 2, /more than/),
  );
  await changed(
    "hosts/web/head.json",
    (b) => Buffer.from(b.toString().replace('"seq":1,"status"', '"seq":999999,"status"')),
    () => refused("head of nothing", 2, /404/),
  );
  await changed(order1, flipped, () => refused("order", 2, /./));
  const unsigned = (b: Buffer): Buffer => {
    const { payload } = JSON.parse(b.toString()) as { payload: string };
    return Buffer.from(`${JSON.stringify({ payload, signatures: [] })}\n`);
  };
  await changed(order1, unsigned, () => refused("unsigned", 4, /sign/));
  await changed(
    "hosts/web/status.json",
    (b) => b.subarray(1),
    () => refused("status", 2, /status/),
  );
  await changed(
    `cache/nar/${archive}`,
    (b) => gzipSync(flipped(gunzipSync(b))),
    () => refused("archive", 4, /is not the one that was ordered/),
  );
  await changed(
    `cache/nar/${archive}`,
    (b) => gzipSync(Buffer.concat([gunzipSync(b), Buffer.alloc(1 << 20)])),
    () => refused("long archive", 4, /is not the one that was ordered/),
  );
  await changed(
    `cache/nar/${archive}`,
    (b) => b.subarray(0, -20),
    () => refused("cut archive", 2, /ends early/),
  );
  await changed(
    `cache/nar/${archive}`,
    () => Buffer.alloc(8 << 20),
    () => refused("huge archive", 2, /more than/),
  );
  const another = textOf(infos.find((name) => name !== system)!);
  await changed(
    `cache/${system}`,
    () => Buffer.from(another),
    () => refused("swapped", 4, /is not the one that was ordered/),
  );
  await changed(
    `cache/${system}`,
    (b) => Buffer.from(b.toString().replace(/^URL: .*$/m, "URL: ../../etc/shadow")),
    () => refused("a way out", 4, /is said to be at/),
  );
  configurePull(lab, "other", { kind: "directory", path: "/../delivery", removable: false });
  assert.equal((await runAgent(lab, "other", "pull")).code, 2, "paths are whole");
  fs.cpSync(at("hosts/web"), at("hosts/other"), { recursive: true });
  configurePull(lab, "other", { kind: "web", url: server.url });
  const foreign = await runAgent(lab, "other", "pull");
  assert.equal(foreign.code, 4);
  assert.match(foreign.stderr, /the delivery is for web of lab; this is other of lab/);

  // After all of that, without --now: something newer counts at once.
  const same = await runAgent(lab, "web", "pull");
  assert.match(same.stdout, /^waiting: .*after \d+ failures?: /);
  const two = await publish(lab, "web", "two", delivery);
  const newer = await runAgent(lab, "web", "pull");
  assert.equal(newer.code, 0, newer.stderr + newer.stdout);
  assert.equal(web.running(), two);

  // Yesterday's delivery, whole and well signed.
  fs.rmSync(delivery, { recursive: true });
  fs.renameSync(join(lab.directory, "old"), delivery);
  const replayed = await runAgent(lab, "web", "pull", "--json");
  assert.equal(replayed.code, 4, replayed.stdout);
  assert.match(replayed.stderr, /goes back: its newest order is 1, and 2 was accepted/);
  const waits = await runAgent(lab, "web", "pull");
  assert.deepEqual(
    [waits.code, waits.stdout.split(":")[0]],
    [4, "waiting"],
    "the same again is not tried at once",
  );
  assert.equal(web.running(), two);

  // A source that is gone is waited for; when it is back, nothing is lost.
  await server.close();
  configurePull(lab, "web", { kind: "web", url: server.url }, { substitute: true });
  const gone = await runAgent(lab, "web", "pull");
  assert.equal(gone.code, 2);
  assert.match(gone.stderr, /ECONNREFUSED/);
  assert.match((await runAgent(lab, "web", "pull")).stdout, /^waiting: .*after 1 failure/);
});

test("a medium that is not there is no fault; killed half-way, the next run ends it; two at once do it once", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  configurePull(lab, "web", { kind: "directory", path: "/media/stick", removable: true });
  const absent = await runAgent(lab, "web", "pull");
  assert.deepEqual([absent.code, absent.stdout], [0, "absent: the medium is not there\n"]);

  const one = await publish(lab, "web", "one", join(web.root, "media/stick"));
  for (const delay of [350, 600, 900, 1300]) {
    const { ended, kill } = startAgent(lab, "web", ["pull", "--now"]);
    await sleep(delay);
    try {
      kill();
    } catch {
      // it has ended already
    }
    await ended;
    assert.ok([one, web.boots()].includes(web.running()), "one system or the other");
  }
  const both = await Promise.all([runAgent(lab, "web", "pull"), runAgent(lab, "web", "pull")]);
  const codes = both.map(({ code }) => code);
  assert.ok(codes.includes(0), JSON.stringify(both));
  for (const { code, stderr } of both)
    if (code !== 0) assert.match(stderr, /pull\/lock: locked by (?:another process|nixseal-agent pull)/);
  assert.deepEqual([web.running(), web.boots()], [one, one]);
  const incoming = join(web.root, "var/lib/nixseal/gate/quarantine/incoming");
  assert.deepEqual(fs.readdirSync(incoming), [], "nothing is left over");
});

test("a full disk, a sick system, a gate that wants to be confirmed", async (t) => {
  const lab = await DeployLab.make(t, ["web"], {
    gate: { ...pullingGate, health: [["/bin/sh", "-c", '[ ! -e "$0" ]', "/nonexistent"]] },
  });
  const web = lab.host("web");
  const first = web.running();
  const delivery = join(web.root, "srv");
  const config = parsePullConfig(
    utf8(
      JSON.stringify({
        v: 1,
        source: { kind: "directory", path: "/srv", removable: false },
        cache: null,
        substitute: false,
      }),
    ),
  );
  const one = await publish(lab, "web", "one", delivery);
  const gateFile = join(web.root, "etc/nixseal/gate.json");
  const gate = parseGateConfig(fs.readFileSync(gateFile));
  const agent = join(top, "bin/nixseal-agent");
  const world: SourceWorld = {
    clock,
    processes,
    random,
    sockets,
    downloads,
    uploads,
    config: gate,
    files: { ...files, freeSpace: async () => 1000 },
    paths: gatePaths(web.root, gate),
    program: [process.execPath, agent],
    verifier: [],
  };
  const conf = process.env["NIX_CONF_DIR"];
  process.env["NIX_CONF_DIR"] = join(web.root, "etc/nix");
  t.after(() =>
    conf === undefined ? delete process.env["NIX_CONF_DIR"] : (process.env["NIX_CONF_DIR"] = conf),
  );
  await assert.rejects(
    pull(world, config, () => undefined),
    /no space left/,
  );
  assert.equal(web.running(), first);
  assert.equal((await pull({ ...world, files }, config, () => undefined)).outcome, "waiting");
  const done = await pull({ ...world, files }, config, () => undefined, { now: true });
  assert.equal(done.outcome, "activated");
  assert.equal(web.running(), one);

  fs.writeFileSync(gateFile, JSON.stringify({ ...gateJson(gateFile), health: [["/bin/false"]] }));
  configurePull(lab, "web", { kind: "directory", path: "/srv", removable: false });
  await publish(lab, "web", "two", delivery);
  const sick = await runAgent(lab, "web", "pull");
  assert.equal(sick.code, 3, sick.stderr + sick.stdout);
  assert.match(sick.stdout, /^undone: order 2: /);
  assert.deepEqual([web.running(), web.boots()], [one, one]);

  fs.writeFileSync(gateFile, JSON.stringify({ ...gateJson(gateFile), health: [], confirm: { within: 5 } }));
  const asks = await runAgent(lab, "web", "pull", "--now");
  assert.equal(asks.code, 2);
  assert.match(asks.stderr, /asks for a confirmation/);
});

function gateJson(file: string): object {
  return JSON.parse(fs.readFileSync(file, "utf8")) as object;
}

test("what the host's own caches have comes from there, and must be what was ordered all the same", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: pullingGate });
  const web = lab.host("web");
  const delivery = join(lab.directory, "delivery");
  const cache = join(lab.directory, "upstream");
  const one = await order(lab, "web", "one");
  await lab.must(
    "deploy",
    "publish",
    "web",
    "--to",
    delivery,
    "--without-cache",
    "--store",
    lab.builder.directory,
  );
  const secret = lab.builder.text("nix", "key", "generate-secret", "--key-name", "upstream-1");
  fs.writeFileSync(join(lab.directory, "key"), secret);
  const key = lab.builder.run("nix", ["key", "convert-secret-to-public"], secret, []).toString().trim();
  lab.builder.run("nix", ["store", "sign", "--recursive", "--key-file", join(lab.directory, "key"), one]);
  lab.builder.run("nix", ["copy", "--to", `file://${cache}`, one]);
  fs.writeFileSync(
    join(web.root, "etc/nix/nix.conf"),
    `build-users-group =\nsubstituters = file://${cache}\ntrusted-public-keys = ${key}\n`,
  );
  const server = await serveStatic(t, delivery);

  configurePull(lab, "web", { kind: "web", url: server.url });
  const alone = await runAgent(lab, "web", "pull");
  assert.equal(alone.code, 2, "the delivery has no cache");
  server.requests.length = 0;
  configurePull(lab, "web", { kind: "web", url: server.url }, { substitute: true });
  const done = await runAgent(lab, "web", "pull", "--json");
  assert.equal(done.code, 0, done.stderr + done.stdout);
  assert.equal(web.running(), one);
  assert.ok(!server.requests.some(({ path }) => path.includes("/cache/")), "nothing from the delivery");
});
