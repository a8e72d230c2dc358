/** Which store paths the processes of a control group run: what they were started from, were given, and have mapped. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { storePathPattern } from "./closure.ts";

type Look = Pick<Files, "list" | "read" | "readLink" | "status">;

const top = "/sys/fs/cgroup";
const limits = {
  groups: 10_000,
  processes: 20_000,
  maps: 32 << 20,
  words: 4 << 20,
  members: 4 << 20,
} as const;

/**
 * With all groups below it. Processes that end meanwhile run nothing any more. What was found until an error stays found.
 * Throws `refused` where control groups are not those of cgroups(7) version 2: then nobody can tell.
 */
export async function addPathsOfGroup(files: Look, cgroup: string, found: Set<string>): Promise<void> {
  if ((await files.status(`${top}/cgroup.controllers`)) === null)
    throw new NixsealError("refused", "control groups of version 2 are not mounted", {
      hint: "which process belongs to which unit cannot be told without them",
    });
  let processes = 0;
  for (const group of await groupsBelow(files, `${top}${cgroup}`)) {
    const members = await unlessGone(() => text(files, `${group}/cgroup.procs`, limits.members));
    for (const pid of members?.match(/^[1-9][0-9]*$/gm) ?? []) {
      if (++processes > limits.processes) throw tooMany("processes", cgroup);
      await addPathsOfProcess(files, pid, found);
    }
  }
}

async function groupsBelow(files: Look, group: string): Promise<string[]> {
  const groups = [group];
  for (let next = 0; next < groups.length; next++) {
    if (groups.length > limits.groups) throw tooMany("control groups", group);
    const here = groups[next]!;
    for (const name of (await unlessGone(() => files.list(here))) ?? [])
      if ((await files.status(`${here}/${name}`))?.kind === "directory") groups.push(`${here}/${name}`);
  }
  return groups;
}

/** proc_pid_exe(5), proc_pid_cmdline(5), proc_pid_maps(5). */
async function addPathsOfProcess(files: Look, pid: string, found: Set<string>): Promise<void> {
  const looks = [
    () => files.readLink(`/proc/${pid}/exe`),
    () => text(files, `/proc/${pid}/cmdline`, limits.words),
    () => text(files, `/proc/${pid}/maps`, limits.maps),
  ];
  for (const look of looks)
    for (const path of (await unlessGone(look))?.match(storePathPattern) ?? []) found.add(path);
}

async function text(files: Look, path: string, limit: number): Promise<string> {
  return new TextDecoder("latin1").decode(await files.read(path, { limit, follow: false }));
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    // ENOENT; or ESRCH of a process that ended between opening and reading.
    const ended = error.cause instanceof Error && "code" in error.cause && error.cause.code === "ESRCH";
    if (error.code === "not-found" || ended) return null;
    throw error;
  }
}

function tooMany(what: string, group: string): NixsealError {
  return new NixsealError("limit", `more than ${limits.processes} ${what} in ${group}`);
}
