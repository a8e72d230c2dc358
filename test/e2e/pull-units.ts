import { join } from "node:path";
import { formatUnit, type UnitFile } from "../../src/gate/setup/unit-file.ts";
import { top } from "../console.ts";
import type { Host } from "./host.ts";
import type { OperatorStore } from "./operator-store.ts";

export const pullUnit = "nixseal-pull.service";
export const pullTimer = "nixseal-pull.timer";

interface Made {
  readonly settings: string;
  readonly service: UnitFile;
  readonly timer: UnitFile;
}

/**
 * Makes a host pull from there, by the units of the NixOS module with all of their restrictions. Only the timer is faster: what it
 * says is set aside by a drop-in.
 */
export async function makePull(host: Host, store: OperatorStore, url: string): Promise<void> {
  const pull = { enable: true, source: url, removable: false, repository: null, cache: null, report: null };
  const times = { substitute: true, interval: "5min", jitter: "2min" };
  const given = `builtins.fromJSON ${JSON.stringify(JSON.stringify({ ...pull, ...times }))}`;
  const expression = `import ${join(top, "test/e2e/pull-units.nix")} {
    module = ${join(top, "nix/module/pull")}; programs = "/usr/local"; user = "deploy"; pull = ${given};
  }`;
  const said = await store.nix("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression);
  const { settings, service, timer } = JSON.parse(said) as Made;
  const units = "/etc/systemd/system";
  await host.copyIn("/etc/nixseal/pull.json", settings);
  await host.copyIn(`${units}/${pullUnit}`, formatUnit(service));
  await host.copyIn(`${units}/${pullTimer}`, formatUnit(timer));
  const often = {
    OnBootSec: ["", "1s"],
    OnUnitInactiveSec: "2500ms",
    RandomizedDelaySec: 0,
    AccuracySec: "100ms",
  };
  await host.copyIn(`${units}/${pullTimer}.d/often.conf`, formatUnit({ Timer: often }));
  await host.run(["systemctl", "daemon-reload"]);
  await host.run(["systemctl", "enable", "--now", "--quiet", pullTimer]);
}
