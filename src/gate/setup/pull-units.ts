/** The units of a host that looks for its orders itself. The same settings as those of the NixOS module: nix/module/pull. */
import { hardening } from "./hardening.ts";
import type { UnitFile } from "./unit-file.ts";

const pullUnit = "nixseal-pull.service";
export const pullTimer = "nixseal-pull.timer";

export interface PullUnitOptions {
  /** The path of `nixseal-agent`. */
  readonly agent: string;
  /** The deploy user and its group. */
  readonly user: string;
  /** A directory of orders that takes the receipts too, where its owner lets the deploy user write. */
  readonly receipts: string | null;
  /** In systemd's words: from one run's end to the next, and the most that chance adds. */
  readonly interval: string;
  readonly jitter: string;
  /** Where Nix, git and ssh are; null for the system manager's own. */
  readonly searchPath: string | null;
}

/** What the side that reads strangers' bytes may not do. It asks the network, the Nix daemon and the gate's socket, and writes the quarantine. */
const networkSide = {
  ...hardening,
  UMask: "0077",
  CapabilityBoundingSet: [""],
  RemoveIPC: true,
  RestrictAddressFamilies: ["AF_INET", "AF_INET6", "AF_UNIX"],
  TasksMax: 256,
} as const;

/** By file name. */
export function pullUnits(options: PullUnitOptions): Record<string, UnitFile> {
  const { agent, user, receipts, interval, jitter, searchPath } = options;
  return {
    [pullUnit]: {
      Unit: {
        Description: "Look for an order for this host",
        After: ["network-online.target", "nix-daemon.socket"],
        Wants: ["network-online.target"],
      },
      Service: {
        ...networkSide,
        Type: "oneshot",
        User: user,
        Group: user,
        Environment: ["NIX_REMOTE=daemon", ...(searchPath === null ? [] : [`PATH=${searchPath}`])],
        ReadWritePaths: ["/var/lib/nixseal/gate/quarantine", ...(receipts === null ? [] : [`-${receipts}`])],
        ExecStart: `${agent} pull`,
        TimeoutStartSec: "12h",
      },
    },
    [pullTimer]: {
      Unit: { Description: "Look for orders for this host" },
      Timer: {
        OnBootSec: "1min",
        OnUnitInactiveSec: interval,
        RandomizedDelaySec: jitter,
        AccuracySec: "10s",
      },
      Install: { WantedBy: ["timers.target"] },
    },
  };
}
