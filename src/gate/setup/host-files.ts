/** Everything that makes a host one with a gate, as files: what the NixOS module does, for hosts that have no module. */
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { gateConfigFile } from "../config.ts";
import { gateState } from "../paths.ts";
import {
  accountLimits,
  accountLines,
  authorizedKeys,
  keysFile,
  sshdSettings,
  sudoLines,
  type Login,
} from "./login.ts";
import { pullTimer, pullUnits } from "./pull-units.ts";
import { formatUnit } from "./unit-file.ts";
import { gateUnits, recoverUnit, socketUnit } from "./units.ts";

export interface PullSetup {
  /** Of /etc/nixseal/pull.json, the content. */
  readonly config: string;
  /** A directory of orders that takes the receipts too. */
  readonly receipts: string | null;
}

export interface HostSetup {
  readonly fleet: string;
  readonly host: string;
  readonly tags: readonly string[];
  readonly mode: "warrants" | "certificates";
  readonly user: string;
  /** Groups that the deploy user joins, such as the one that may reach the Nix daemon. */
  readonly groups: readonly string[];
  readonly members: readonly Login[];
  readonly authorities: readonly string[];
  readonly privilege: "socket" | "sudo";
  readonly agent: string;
  readonly searchPath: string;
  readonly connections: number;
  readonly upstream: readonly string[];
  /** Seconds; null for no confirmation. */
  readonly confirmWithin: number | null;
  readonly health: readonly (readonly string[])[];
  readonly quarantine: { readonly bytes: number; readonly days: number };
  readonly hostKey: string;
  /** Null where the host is sent its orders: what is there for pulling stays as it is. */
  readonly pull: PullSetup | null;
  /** The file of the fleet's root. */
  readonly root: string;
}

/** All belong to root. */
export type HostFile =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly content: string }
  /** A symlink: how systemd knows that a unit is enabled. */
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** A line that the file must have, at its end. */
  | { readonly kind: "line"; readonly path: string; readonly line: string }
  /** What another choice would have put there. */
  | { readonly kind: "absent"; readonly path: string };

const rootCopy = "/etc/nixseal/root.json";
const units = "/etc/systemd/system";

export function hostFiles(setup: HostSetup): HostFile[] {
  const { user, agent, members, authorities, privilege, searchPath, pull } = setup;
  const file = (path: string, content: string, mode = 0o644): HostFile => ({
    kind: "file",
    path,
    mode,
    content,
  });
  const enabled = (target: string, unit: string): HostFile => ({
    kind: "link",
    path: `${units}/${target}.wants/${unit}`,
    target: `${units}/${unit}`,
  });
  const bySocket = privilege === "socket";
  const onlyThen = (wanted: boolean, one: HostFile): HostFile =>
    wanted ? one : { kind: "absent", path: one.path };
  return [
    file(gateConfigFile, `${canonicalJson(gateSettings(setup))}\n`),
    file(rootCopy, setup.root),
    file(keysFile, authorizedKeys(agent, members, authorities)),
    file("/etc/ssh/sshd_config.d/10-nixseal.conf", sshdSettings(user)),
    file("/etc/sysusers.d/nixseal.conf", accountLines(user, setup.groups)),
    file("/etc/tmpfiles.d/nixseal.conf", directoryLines(user)),
    file("/etc/security/limits.d/nixseal.conf", accountLimits(user)),
    file("/etc/nix/nixseal.conf", nixSettings(setup)),
    { kind: "line", path: "/etc/nix/nix.conf", line: "!include nixseal.conf" },
    ...Object.entries(gateUnits(setup)).map(([name, unit]) =>
      onlyThen(bySocket || name === recoverUnit, file(`${units}/${name}`, formatUnit(unit))),
    ),
    onlyThen(bySocket, enabled("sockets.target", socketUnit)),
    enabled("multi-user.target", recoverUnit),
    onlyThen(!bySocket, file("/etc/sudoers.d/nixseal", sudoLines(user, agent, searchPath), 0o440)),
    ...(pull === null ? [] : pullFiles(pull)),
  ];

  function pullFiles({ config, receipts }: PullSetup): HostFile[] {
    const times = { interval: "5min", jitter: "2min" };
    const made = pullUnits({ agent, user, receipts, searchPath, ...times });
    return [
      file("/etc/nixseal/pull.json", config),
      ...Object.entries(made).map(([name, unit]) => file(`${units}/${name}`, formatUnit(unit))),
      enabled("timers.target", pullTimer),
    ];
  }
}

/** gate.json as `parseGateConfig` reads it. */
function gateSettings(setup: HostSetup): Json {
  const { fleet, host, tags, user, mode, upstream, confirmWithin, health, quarantine, hostKey } = setup;
  return {
    v: 1,
    fleet,
    host,
    tags,
    storeDirectory: "/nix/store",
    store: null,
    user,
    mode,
    root: rootCopy,
    upstream,
    confirm: confirmWithin === null ? null : { within: confirmWithin },
    health,
    quarantine: { ...quarantine },
    profile: "/nix/var/nix/profiles/system",
    hostKey,
  };
}

/** tmpfiles.d(5). */
function directoryLines(user: string): string {
  return `d /var/lib/nixseal 0755 root root -
d ${gateState} 0755 root root -
d ${gateState}/quarantine 0700 ${user} ${user} -
d /nix/var/nix/gcroots/nixseal 0755 root root -
d /nix/var/nix/profiles 0755 root root -
`;
}

/**
 * nix.conf(5), to be included last: these replace what stands before them. No key of a member is here, and nobody but root is
 * trusted: authority is asked for when something is activated.
 */
function nixSettings({ upstream }: HostSetup): string {
  return `require-sigs = true
trusted-users = root
trusted-public-keys = ${upstream.join(" ")}
`;
}
