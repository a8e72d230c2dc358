/** Whether somebody else than root may change what the gate goes by. */
import { NixsealError } from "../core/errors.ts";
import type { FileStatus } from "../core/file-ports.ts";
import type { DoctorFinding, Findings } from "./finding.ts";
import type { DoctorHost } from "./host.ts";

const mostLinks = 40;

export async function* checkModes(host: DoctorHost): Findings {
  const { paths, config, root } = host;
  const below = (path: string): string => path.slice(root.length);
  const rootOnly = [
    "/etc/nixseal/gate.json",
    config.root,
    "/etc/nix/nix.conf",
    "/etc/sudoers",
    "/etc/ssh/sshd_config",
    "/etc/nixseal/authorized_keys",
    below(paths.state),
    ...[paths.trust, paths.accepted, paths.guard, paths.pending, paths.active, paths.activation].map(below),
    ...[paths.ledger, paths.receipts].map(below),
    config.profile,
    "/nix/var/nix/profiles",
    "/nix/var/nix/gcroots",
    "/nix/var/nix/db",
  ];
  for (const path of rootOnly) {
    const fault = await whoElse(host, path);
    if (fault !== null)
      yield {
        id: "file-modes",
        severity: "critical",
        verdict: "affected",
        file: path,
        message: `others than root may change it: ${fault}`,
        enables: ["planting", "replayed", "symlink"],
        hint: "chown root and chmod go-w every part of the path",
      };
  }
  yield* checkQuarantine(host);
  yield* checkHostKey(host);
}

/** It is the deploy user's, and nobody else's: what lies there is opened by root. */
async function* checkQuarantine({ files, paths, deploy }: DoctorHost): Findings {
  const status = await files.statusOfLink(paths.quarantine);
  if (status === null) return;
  const fault =
    status.kind !== "directory"
      ? "it is not a directory"
      : deploy.uid !== null && status.uid !== deploy.uid
        ? `it belongs to ${status.uid}, not to ${deploy.name}`
        : (status.mode & 0o077) === 0
          ? null
          : `its mode is ${octal(status)}`;
  if (fault !== null)
    yield {
      id: "quarantine",
      severity: status.kind === "directory" ? "medium" : "high",
      verdict: "affected",
      file: paths.quarantine,
      message: `the quarantine is not what it should be: ${fault}`,
      enables: ["symlink"],
      hint: `install -d -o ${deploy.name} -m 0700 for it`,
    };
}

async function* checkHostKey({ files, paths, root }: DoctorHost): Findings {
  const status = await files.status(paths.hostKey);
  const finding = (severity: DoctorFinding["severity"], message: string): DoctorFinding => ({
    id: "host-key",
    severity,
    verdict: "affected",
    file: paths.hostKey.slice(root.length),
    message,
    enables: [],
    hint: "it must be a private key that root alone reads: receipts are signed with it",
  });
  if (status === null) yield finding("medium", "the host has no such key, so it cannot sign receipts");
  else if ((status.mode & 0o077) !== 0)
    yield finding("critical", `others read the host key: its mode is ${octal(status)}`);
}

/** Follows the path as the kernel would, and looks at every part on the way. Null when only root may change any. */
async function whoElse({ files, root }: DoctorHost, path: string): Promise<string | null> {
  const owners = new Set([0]);
  const top = await files.status(root === "" ? "/" : root);
  if (root !== "" && top !== null) owners.add(top.uid); // an image that somebody prepares
  let place = root;
  let links = 0;
  const parts = partsOf(path);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (part === "..") {
      place = place.length > root.length ? place.slice(0, place.lastIndexOf("/")) : root;
      continue;
    }
    const next = `${place}/${part}`;
    const status = await files.statusOfLink(next);
    if (status === null) return null;
    const fault = faultOf(status, owners);
    if (fault !== null) return `${next.slice(root.length)} ${fault}`;
    if (status.kind !== "symlink") {
      place = next;
      continue;
    }
    if ((links += 1) > mostLinks)
      throw new NixsealError("io", "too many levels of symlinks", { where: { file: path } });
    const target = await files.readLink(next);
    if (target.startsWith("/nix/store/")) return null; // the store is root's, and its paths are what warrants are about
    if (target.startsWith("/")) place = root;
    parts.unshift(...partsOf(target));
  }
  return null;
}

function faultOf(status: FileStatus, owners: ReadonlySet<number>): string | null {
  if (!owners.has(status.uid)) return `belongs to uid ${status.uid}`;
  if (status.kind === "symlink") return null;
  const sticky = status.kind === "directory" && (status.mode & 0o1000) !== 0;
  return (status.mode & 0o022) === 0 || sticky ? null : `has mode ${octal(status)}`;
}

function octal({ mode }: FileStatus): string {
  return mode.toString(8).padStart(4, "0");
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
