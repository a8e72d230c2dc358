/** The host as the checks see it: files below a root, and programs only where the root is the running system. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";
import type { GateConfig } from "../gate/config.ts";
import type { GatePaths } from "../gate/paths.ts";

export interface DoctorHost {
  /** Empty for the running system. */
  readonly root: string;
  readonly files: Pick<Files, "list" | "read" | "readLink" | "status" | "statusOfLink" | "stream">;
  /** Null below another root than `/`: the running system's programs would speak of the running system. */
  readonly processes: Pick<Processes, "run"> | null;
  readonly now: Date;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  readonly deploy: Account;
}

export interface Account {
  readonly name: string;
  /** Null when /etc/passwd has no such name. */
  readonly uid: number | null;
  readonly home: string | null;
  /** Names of all its groups. */
  readonly groups: readonly string[];
}

const largest = 4 << 20;

/** A file of the host; null when there is none. Other failures are errors: an unreadable file is not an empty one. */
export async function readText(
  host: Pick<DoctorHost, "files" | "root">,
  path: string,
): Promise<string | null> {
  try {
    return utf8Text(await host.files.read(`${host.root}${path}`, { limit: largest }), path);
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw error;
  }
}

/** passwd(5) and group(5), as the files have them. */
export async function accountOf(host: Pick<DoctorHost, "files" | "root">, name: string): Promise<Account> {
  const rows = (text: string | null): string[][] => (text ?? "").split("\n").map((line) => line.split(":"));
  const entry = rows(await readText(host, "/etc/passwd")).find(([first]) => first === name);
  const groups = rows(await readText(host, "/etc/group")).filter(
    ([group, , gid, members]) =>
      group !== undefined && (gid === entry?.[3] || members?.split(",").includes(name) === true),
  );
  return {
    name,
    uid: entry === undefined ? null : Number(entry[2]),
    home: entry?.[5] ?? null,
    groups: groups.map(([group]) => group!),
  };
}
