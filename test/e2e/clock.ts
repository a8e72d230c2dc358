import type { Host } from "./host.ts";

/**
 * Hosts share the machine's clock. What these put in its place for `nixseal-agent`, on a host that has them: a clock that differs by
 * the seconds in /etc/clock-apart.
 */
export const clockFiles: Readonly<Record<string, string>> = {
  "/etc/clock.cjs": `const apart = Number(require("node:fs").readFileSync("/etc/clock-apart", "utf8")) * 1000;
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + apart);
    else super(...given);
  }
  static now() {
    return Real.now() + apart;
  }
};
`,
  "/usr/local/bin/nixseal-agent": `#!/bin/sh
NODE_OPTIONS=--require=/etc/clock.cjs exec /opt/nixseal/bin/nixseal-agent "$@"
`,
};

/** Needed again after a boot. */
export async function setClockApart(host: Host, seconds: number): Promise<void> {
  await host.copyIn("/etc/clock-apart", String(seconds));
  // Of everything that systemd starts: an activation runs in a unit of its own.
  await host.run(["systemctl", "set-environment", "NODE_OPTIONS=--require=/etc/clock.cjs"]);
}
