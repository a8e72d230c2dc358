/** Fetching a branch with stock git: objects and nothing else. Nothing of the repository is run, and none of its configuration read. */
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";
import { notesReference } from "../trust/commits/approvals.ts";
import { gitFailed } from "../trust/commits/git.ts";
import type { GitSource } from "./pull-config.ts";

/** Milliseconds, and bytes of one file that git writes: a pack is one. */
const limits = { time: 30 * 60_000, file: 2 ** 31 };
/** Bytes that stay free on the disk, and that a fetch must have to begin. */
const room = { reserve: 256 << 20, least: 16 << 20 };

const environment = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_SSH_COMMAND: "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=30",
};
// unpackLimit: one pack and no loose files, so that the bound of one file is the bound of all.
const settings = [
  "core.hooksPath=/dev/null",
  "gc.autoDetach=false",
  "http.followRedirects=initial",
  "fetch.unpackLimit=1",
];

/**
 * `directory` holds the host's own copy; its branch is set to what the other side has, also when that went back: whether it may,
 * whoever judges the commits decides. The whole history comes: a shallow one cannot be judged. The approvals come too (notes).
 */
export async function fetchBranch(
  {
    processes,
    files,
  }: {
    readonly processes: Pick<Processes, "run">;
    readonly files: Pick<Files, "makeDirectory" | "statusOfLink" | "freeSpace">;
  },
  { url, branch }: Pick<GitSource, "url" | "branch">,
  directory: string,
): Promise<void> {
  await files.makeDirectory(directory, { mode: 0o700, parents: true });
  const largest = await roomFor(files, directory);
  /** What git said when it failed; null when it did not. */
  const git = async (...args: string[]): Promise<string | null> => {
    const { code, stderr } = await processes.run({
      program: "prlimit", // git has no bound of its own
      args: [
        `--fsize=${largest}`,
        "git",
        ...settings.flatMap((one) => ["-c", one]),
        "-C",
        directory,
        ...args,
      ],
      env: { ...environment, GIT_ALLOW_PROTOCOL: protocolOf(url) },
      timeout: limits.time,
    });
    return code === 0 ? null : stderr;
  };
  // Of a server that cannot be reached git says it in words only.
  const must = (what: string, said: string | null): void => {
    if (said !== null)
      throw new NixsealError("io", gitFailed(what, said).message, { hint: `is ${url} there?` });
  };
  // A branch that nobody fetches is checked out, so that git lets us set the other.
  if ((await files.statusOfLink(join(directory, ".git"))) === null)
    must("init", await git("init", "--quiet", "--template=", "--initial-branch=nixseal/none"));
  const fetched = (...references: readonly string[]): Promise<string | null> =>
    git(
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-recurse-submodules",
      "--no-write-fetch-head",
      "--",
      url,
      ...references.map((one) => `+${one}:${one}`),
    );
  // By their whole names: a pattern would bring whatever number of references the other side makes up, a file each.
  const head = `refs/heads/${branch}`;
  const said = await fetched(head, notesReference);
  const isWithout = said?.includes(`couldn't find remote ref ${notesReference}`) === true;
  must("fetch", isWithout ? await fetched(head) : said);
}

/** What is refused stays in the copy: a forge that shows something else each time must not fill the disk, which the way back needs too. */
async function roomFor(files: Pick<Files, "freeSpace">, directory: string): Promise<number> {
  // A pack, and its index beside it.
  const free = Math.floor(((await files.freeSpace(directory)) - room.reserve) / 2);
  if (free >= room.least) return Math.min(limits.file, free);
  throw new NixsealError("io", "too little room on the disk to fetch the repository", {
    hint: `${directory} may be removed: it is fetched anew, and what was accepted is remembered beside it`,
    where: { file: directory },
  });
}

/** Of git's ways the one that the URL names: a redirect must not lead from https to http. */
function protocolOf(url: string): string {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1];
  if (scheme !== undefined) return ["https", "http", "ssh", "file"].includes(scheme) ? scheme : "none";
  return url.startsWith("/") ? "file" : "ssh:file";
}
