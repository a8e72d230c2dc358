/** What `deploy` costs the hosts, and what it says beforehand, with real sshd and gates (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatPlan } from "../../src/deploy/plan.ts";
import { parsePlan } from "../../src/deploy/read-plan.ts";
import { parseStorePath } from "../../src/nix/store-path.ts";
import { files } from "../../src/system/files.ts";
import { plainPath } from "../support/chroot-store.ts";
import { DeployLab } from "../support/deploy-lab.ts";

test("a deployment is two connections, one of them fresh; once more with nothing to do is one", async (t) => {
  const lab = await DeployLab.make(t, ["web1", "web2"], {
    settings: '[deploy]\ncanary = 1\nsoak = "24h"\n',
  });
  const hosts = [lab.host("web1"), lab.host("web2")];
  const counted = async (...words: string[]): Promise<number[]> => {
    const before = hosts.map((host) => host.connections());
    const { code, stdout, stderr } = await lab.run(...words, ...lab.usual.slice(1));
    assert.equal(code, 0, stderr + stdout);
    return hosts.map((host, index) => host.connections() - before[index]!);
  };
  const systems = hosts.flatMap(({ name }) => ["--toplevel", `${name}=${lab.system("one")}`]);
  const apply = ["deploy", "apply", "web*", ...systems];
  const shared = 1;
  const confirming = 1;
  const each = shared + confirming;
  assert.deepEqual(await counted(...apply, "--yes", "--soak", "0s"), [each, each]);
  // Nobody is asked, and the soak of a day is not waited for: nobody comes after it who would be changed.
  assert.deepEqual(await counted(...apply), [1, 1]);
});

const target = "[Unit]\nWants=app.service log.service\n";
const service = (command: string): string => `[Service]\nExecStart=${command}\n`;

/** A secret of a manifest; the digest is that of no file. */
const secret = (name: string, digest: string) => ({
  credential: null,
  digest: digest.repeat(64),
  group: "root",
  mode: "0400",
  name,
  owner: "root",
  path: `/run/nixseal/secrets/${name}`,
  reload: [],
  restart: [],
  source: `secrets/${name}.age`,
  stage: "default",
  together: null,
});

test("a plan says what becomes of units and secrets; the host itself says it where that is asked for", async (t) => {
  const lab = await DeployLab.make(t, ["web"], { gate: { confirm: null } });
  const web = lab.host("web");
  const system = (name: string, units: Record<string, string>, secrets: object[], kernel: string) => {
    const manifest = { host: "web", identities: ["/etc/ssh/key"], secrets, version: 1 };
    // The same name, as the NixOS module gives it, and another digest.
    const path = parseStorePath(`${plainPath(`manifest-of-${name}`).slice(0, 43)}-nixseal-web`);
    mkdirSync(lab.builder.at(path));
    writeFileSync(lab.builder.at(path, "manifest.json"), `${JSON.stringify(manifest)}\n`);
    lab.builder.register(path, []);
    const content = {
      "etc/systemd/system/default.target": target,
      ...Object.fromEntries(
        Object.entries(units).map(([unit, text]) => [`etc/systemd/system/${unit}`, text]),
      ),
      kernel,
      initrd: "i",
      "kernel-modules": "m",
      "kernel-params": "p",
      manifest: path,
      says: "would stop the following units: app.service, swap.swap\nwould start the following units: app.service",
    };
    return lab.system(name, content, [path]);
  };
  const before = system(
    "before",
    { "app.service": service("/1"), "log.service": service("/l") },
    [secret("kept", "a"), secret("old", "b"), secret("rotated", "c")],
    "6.1",
  );
  const after = system(
    "after",
    { "app.service": service("/2"), "log.service": service("/l") },
    [secret("kept", "a"), secret("new", "b"), secret("rotated", "d")],
    "6.2",
  );
  const first = await lab.deploy("web", "--toplevel", before, "--events");
  assert.equal(first.code, 0, first.stderr + first.stdout);
  const events = first.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const sending = events.findLast(({ task }) => task === "sending to web");
  assert.deepEqual([sending?.["done"], sending?.["total"], sending?.["unit"]], [3, 3, "paths"]);

  const words = ["deploy", "plan", "web", "--toplevel", after, ...lab.usual.slice(1)];
  const calls = web.log();
  const [planned] = (JSON.parse(await lab.must(...words, "--json")) as { hosts: Record<string, unknown>[] })
    .hosts as [Record<string, unknown>];
  const nothing = { start: [], stop: [], restart: [], reload: [], keep: [] };
  assert.deepEqual(planned["units"], { ...nothing, source: "expected", restart: ["app.service"] });
  const secrets = { added: ["new"], removed: ["old"], changed: ["rotated"], moved: [] };
  assert.deepEqual(planned["secrets"], secrets);
  assert.equal(planned["reboot"], true);
  assert.deepEqual(web.log(), calls, "a plan asks, and does nothing");

  const file = join(lab.directory, "plan.json");
  const text = await lab.must(...words, "--dry-activate", "--yes", "--out", file);
  assert.match(text, /units stop: swap\.swap\n +units restart: app\.service\n +secrets added: new\n/);
  assert.deepEqual(web.log().slice(calls.length), [`dry-activate ${after}`]);
  assert.equal(web.running(), before);
  const kept = parsePlan(await files.read(file, { limit: 1 << 20 }));
  const told = { ...nothing, source: "dry-activate", stop: ["swap.swap"], restart: ["app.service"] };
  assert.deepEqual(kept.hosts[0]!.units, told);
  assert.deepEqual(parsePlan(formatPlan(kept)), kept);
  assert.equal((await lab.deploy(file)).code, 0);
  assert.equal(web.running(), after);
});
