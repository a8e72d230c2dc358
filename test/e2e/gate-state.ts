import assert from "node:assert/strict";
import type { GateFleet } from "./gate-fleet.ts";
import type { Host } from "./host.ts";

export interface Systems {
  readonly running: string;
  readonly profile: string;
  /** What the boot entry names. */
  readonly boots: string;
}

/** What runs, what the profile holds, what boots next. */
export async function systemsOf(host: Host): Promise<Systems> {
  const links = ["/run/current-system", "/nix/var/nix/profiles/system", "/boot/default"];
  const [running, profile, boots] = await Promise.all(
    links.map(async (link) => (await host.run(["readlink", "--canonicalize", link])).trim()),
  );
  return { running: running!, profile: profile!, boots: boots! };
}

export function all(system: string): Systems {
  return { running: system, profile: system, boots: system };
}

/** Waits on the host itself: no connection is needed for it. */
export async function untilThere(host: Host, path: string): Promise<void> {
  await host.run(["sh", "-c", `until [ -e "$0" ]; do sleep 0.05; done`, path], { timeout: 60_000 });
}

/** Waits until the new system runs, and a confirmation is asked for. */
export async function untilConfirming(host: Host): Promise<void> {
  const look = "until grep -q confirming /var/lib/nixseal/gate/activation.json; do sleep 0.05; done";
  await host.run(["sh", "-c", look], { timeout: 60_000 });
}

/** Nothing is under way, nothing has failed, and every file of the gate's state is read as it was written. */
export async function assertSettled(fleet: GateFleet, host: Host): Promise<void> {
  const failed = await host.run(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]);
  assert.equal(failed, "");
  const { code, stdout, stderr } = await fleet.gate("status", "web", "--json");
  assert.equal(code, 0, stderr);
  const { status } = JSON.parse(stdout) as { status: Record<string, unknown> };
  assert.equal(status["activation"], null);
  await host.run(["node", "--eval", readEveryFile]);
}

/** State files are JSON, some with a line more; temporary ones of cut writes are gone when the gate has looked at its directory. */
const readEveryFile = `
const { readdirSync, readFileSync } = require("node:fs");
const files = readdirSync("/var/lib/nixseal/gate", { recursive: true }).filter((name) => name.endsWith(".json"));
if (files.length < 4) throw new Error("too few state files: " + files);
for (const name of files) JSON.parse(readFileSync("/var/lib/nixseal/gate/" + name, "utf8").split("\\n")[0]);
`;
