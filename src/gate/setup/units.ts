/** The units of a host with a gate. The same settings as those of the NixOS module: nix/module/gate/{units,hardening}.nix. */
import { gateState } from "../paths.ts";
import { hardening } from "./hardening.ts";
import type { UnitFile } from "./unit-file.ts";

export const socketPath = "/run/nixseal-gate.sock";
export const socketUnit = "nixseal-gate.socket";
const messageUnit = "nixseal-gate@.service";
export const recoverUnit = "nixseal-gate-recover.service";

export interface UnitOptions {
  /** The path of `nixseal-agent`. */
  readonly agent: string;
  /** The deploy user and its group. */
  readonly user: string;
  /** How many messages to the root side may be under way at once. */
  readonly connections: number;
  /** Where Nix and systemd's programs are; null for the system manager's own. */
  readonly searchPath: string | null;
}

/**
 * What the root side may not do. It takes one small message, talks to the Nix daemon and to systemd, and keeps its state;
 * whatever a new system does when it is switched to runs in a unit of its own, outside of this one.
 */
const rootSide = {
  ...hardening,
  UMask: "0022",
  ReadWritePaths: ["/nix/var/nix/gcroots", "/nix/var/nix/profiles"],
  // The daemon's socket and the system's bus; nothing goes out.
  RestrictAddressFamilies: ["AF_UNIX"],
  IPAddressDeny: "any",
  // The quarantine belongs to the deploy user; what was imported is removed there.
  CapabilityBoundingSet: ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"],
  // Node needs few threads; one warrant with 50,000 paths needs the memory.
  TasksMax: 64,
  StateDirectory: "nixseal/gate",
  StateDirectoryMode: "0755",
} as const;

/** By file name. */
export function gateUnits({ agent, user, connections, searchPath }: UnitOptions): Record<string, UnitFile> {
  const root = {
    ...rootSide,
    // Through the daemon even as root: the store is read-only here.
    Environment: ["NIX_REMOTE=daemon", ...(searchPath === null ? [] : [`PATH=${searchPath}`])],
  };
  return {
    [socketUnit]: {
      Unit: { Description: "Messages to the gate" },
      Socket: {
        ListenStream: socketPath,
        Accept: true,
        SocketUser: "root",
        SocketGroup: user,
        SocketMode: "0660",
        MaxConnections: connections,
        MaxConnectionsPerSource: connections,
        // The default ends the socket for good after 200 connections in 2 seconds: the deploy user could close the gate.
        // What is more than MaxConnections= is refused, and that is all.
        TriggerLimitIntervalSec: 0,
        // systemd 255 and later accepts 150 in 2 seconds (PollLimitBurst=). With the kernel's own 4096, those who come after a
        // flood stand behind it for a minute; these it accepts at one go.
        Backlog: 128,
      },
      Install: { WantedBy: ["sockets.target"] },
    },
    [messageUnit]: {
      Unit: {
        Description: "One message to the gate (%i)",
        // Failed instances would pile up in the system manager.
        CollectMode: "inactive-or-failed",
      },
      Service: {
        ...root,
        ExecStart: `${agent} activate --peer %i`,
        StandardInput: "socket",
        StandardOutput: "socket",
        StandardError: "journal",
        RuntimeMaxSec: "2h",
      },
    },
    // A system that was switched to and never confirmed: after a power cut, or when the program that waited was killed.
    [recoverUnit]: {
      Unit: {
        Description: "Return from an activation that nobody confirmed",
        ConditionPathExists: `${gateState}/activation.json`,
        After: ["nix-daemon.socket"],
        Wants: ["nix-daemon.socket"],
      },
      Service: {
        ...root,
        Type: "oneshot",
        ExecStart: `${agent} activate --recover`,
        TimeoutStartSec: "2h",
      },
      Install: { WantedBy: ["multi-user.target"] },
    },
  };
}
