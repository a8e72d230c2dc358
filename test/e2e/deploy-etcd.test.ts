/** A rollout whose shared state is a cluster of real etcd servers that loses its leader (see test/support/deploy-lab.ts). */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DeployLab } from "../support/deploy-lab.ts";
import { startEtcd } from "../support/etcd.ts";

test("etcd's leader is killed between two hosts: both are done, nothing is lost from the log", async (t) => {
  const etcd = await startEtcd(t, 3);
  const lab = await DeployLab.make(t, ["db", "web"]);
  const toml = join(lab.fleet, "fleet.toml");
  const state = `[state]\netcd = ${JSON.stringify(etcd.endpoints)}\nauthorities = "etcd-ca.pem"\n`;
  fs.writeFileSync(toml, fs.readFileSync(toml, "utf8").replace(/^\[state\]\n.*\n/m, state));
  fs.writeFileSync(join(lab.fleet, "etcd-ca.pem"), etcd.identity.authorities);
  const own = join(lab.directory, "home/.config/nixseal/etcd");
  fs.mkdirSync(own, { recursive: true });
  fs.writeFileSync(join(own, "lab.pem"), etcd.identity.certificate);
  fs.writeFileSync(join(own, "lab.key"), etcd.identity.key.reveal(), { mode: 0o600 });

  const systems = new Map(["db", "web"].map((name) => [name, lab.system(`${name}-next`)]));
  const toplevels = [...systems].flatMap(([name, system]) => ["--toplevel", `${name}=${system}`]);
  const rollout = ["--canary", "1", "--soak", "0s", "--events", ...toplevels];
  const { ended, stderr } = lab.start("deploy", "apply", "db", "web", ...lab.usual, ...rollout);
  let told = "";
  let isKilled = false;
  stderr.on("data", (bytes: Buffer) => {
    told += bytes.toString();
    if (isKilled || !told.includes("sending what it lacks")) return;
    isKilled = true;
    etcd.killLeader();
  });
  const { code, stdout } = await ended;
  assert.equal(code, 0, stdout + told);
  assert.ok(isKilled, told);
  for (const [name, system] of systems) assert.equal(lab.host(name).running(), system, name);
  assert.equal(fs.existsSync(join(lab.directory, "state")), false, "nothing is shared in files");
  assert.match(await lab.must("log", "verify"), /sound/);
  const entries = await lab.must("log", "show", "--json");
  for (const name of systems.keys()) assert.match(entries, new RegExp(`"host\\.done"[^}]*"${name}"`), name);
});
