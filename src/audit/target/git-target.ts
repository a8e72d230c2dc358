import { join } from "node:path";
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Command, Conversation, Ports } from "../../core/ports.ts";
import { limits } from "../limits.ts";
import { printable } from "../printable.ts";
import { BlobReader } from "./blob-reader.ts";
import type { Target, TargetEntry, UnseenEntry } from "./target.ts";

type Needed = Pick<Ports, "files" | "processes" | "random" | "environment">;

/** An address that git clones: https, ssh or a file URL, or user@host:path. `host:NAME` is none: it has no user. */
export function isGitAddress(name: string): boolean {
  return /^(?:git\+)?(?:https|ssh|file|http|git|ext):/i.test(name) || /^[\w.-]+@[\w.-]+:(?!\/\/)/.test(name);
}

/**
 * The newest commit of a repository that is somewhere else, read without checking anything out: no file of theirs is
 * written under its name, no hook, filter, submodule or LFS program of theirs is run. Time and size are bounded.
 * Errors: `refused` for a transport that proves nothing, `tool` and `timeout` as git has them, `limit`.
 */
export async function gitTarget(
  { files, processes, random, environment }: Needed,
  address: string,
): Promise<Target> {
  const url = checkedUrl(address);
  const directory = join(environment.get("TMPDIR") ?? "/tmp", `nixseal-audit-${hex(random.bytes(8))}`);
  await files.makeDirectory(directory, { mode: 0o700 }); // fails when it exists: nobody can have prepared it
  try {
    const { code, stderr } = await processes.run(cloneCommand(url, directory));
    if (code !== 0) throw cloneFailed(code, stderr);
    const git = (...args: string[]): Command => ({
      program: "git",
      args: ["--git-dir", join(directory, "repository"), ...args],
      env: quiet,
      timeout: limits.cloneTime,
    });
    const { entries, objects, leftOut, cut } = await listed(
      processes.converse(git("ls-tree", "-r", "-z", "-l", "--full-tree", "HEAD")),
    );
    const reader = new BlobReader(processes.converse(git("cat-file", "--batch")));
    try {
      const readable = await withLinks(entries, objects, reader);
      return {
        entries: readable,
        leftOut,
        cut,
        singleFile: false,
        repository: join(directory, "repository"),
        read: ({ path }, limit = limits.file) => reader.read(objects.get(path)!, limit),
        close: async () => {
          reader.close();
          await files.removeTree(directory);
        },
      };
    } catch (error) {
      reader.close();
      throw error;
    }
  } catch (error) {
    await files.removeTree(directory);
    throw error;
  }
}

/**
 * The commit that `gitTarget` would read, without fetching it; null when the repository does not say. Errors as `gitTarget`.
 */
export async function newestRevision(
  processes: Pick<Ports["processes"], "run">,
  address: string,
): Promise<string | null> {
  const { code, stdout, stderr } = await processes.run({
    program: "git",
    args: ["-c", "protocol.ext.allow=never", "ls-remote", "--", checkedUrl(address), "HEAD"],
    env: quiet,
    timeout: limits.cloneTime,
    maxOutput: 1 << 20,
  });
  if (code !== 0) throw cloneFailed(code, stderr);
  return /^([0-9a-f]{40}|[0-9a-f]{64})\tHEAD$/m.exec(Buffer.from(stdout).toString("latin1"))?.[1] ?? null;
}

function checkedUrl(address: string): string {
  const url = address.replace(/^git\+/, "");
  if (/^(?:http|git|ext):/i.test(url))
    throw new NixsealError("refused", "the address lets anyone on the way change what is audited", {
      hint: "take an https:// or ssh:// address",
    });
  if (url.startsWith("-")) throw new NixsealError("usage", "an address cannot begin with a dash");
  return url;
}

const quiet = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ALLOW_PROTOCOL: "https:ssh:file",
  GIT_LFS_SKIP_SMUDGE: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_SSH_COMMAND: "ssh -oBatchMode=yes",
  GIT_OPTIONAL_LOCKS: "0",
};

/** RLIMIT_FSIZE bounds the pack: git itself has no limit for what it fetches. */
function cloneCommand(url: string, directory: string): Command {
  const settings = [
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.unpackLimit=1", // one pack, which the limit meets, and never a million loose files
    "core.bigFileThreshold=4m", // larger blobs are streamed, not held in memory
    "submodule.recurse=false",
  ].flatMap((setting) => ["-c", setting]);
  const clone = [
    "clone",
    "--quiet",
    "--bare",
    "--depth",
    "1",
    "--single-branch",
    "--no-tags",
    "--no-recurse-submodules",
    "--template=",
  ];
  return {
    program: "prlimit",
    args: [
      `--fsize=${limits.clonePack}`,
      "git",
      ...settings,
      ...clone,
      "--",
      url,
      join(directory, "repository"),
    ],
    env: quiet,
    timeout: limits.cloneTime,
  };
}

function cloneFailed(code: number, stderr: string): NixsealError {
  const lines = stderr.trim().split("\n");
  // git's reason is followed by advice that breaks off in the middle of a sentence.
  const said = printable(
    lines.find((line) => line.startsWith("fatal:")) ??
      lines.findLast((line) => line !== "") ??
      `exit code ${code}`,
  );
  if (code > 128 || /file size limit|signal 25|index-pack (?:died|failed)/i.test(stderr))
    return new NixsealError(
      "limit",
      `the repository is larger than ${limits.clonePack} bytes, or broken: ${said}`,
      { hint: "clone it yourself and audit the directory" },
    );
  return new NixsealError("tool", `git could not fetch the repository: ${said}`, {
    hint: "try 'git ls-remote' with the same address",
  });
}

interface Listing {
  readonly entries: readonly TargetEntry[];
  readonly objects: Map<string, string>;
  readonly leftOut: UnseenEntry[];
  readonly cut: boolean;
}

/** `MODE SP TYPE SP OBJECT SP+ SIZE TAB PATH NUL`. Stops reading when the limits are met. */
async function listed(list: Conversation): Promise<Listing> {
  const entries: TargetEntry[] = [];
  const objects = new Map<string, string>();
  const leftOut: UnseenEntry[] = [];
  let rest = Buffer.alloc(0);
  try {
    for (let piece = await list.read(); piece !== null; piece = await list.read()) {
      rest = Buffer.concat([rest, piece]);
      for (let end = rest.indexOf(0); end !== -1; end = rest.indexOf(0)) {
        const [, mode, type, object, size, path] =
          /^(\d{6}) (\w+) ([0-9a-f]+) +(-|\d+)\t([\s\S]+)$/.exec(rest.toString("utf8", 0, end)) ?? [];
        rest = rest.subarray(end + 1);
        if (path === undefined || object === undefined)
          throw new NixsealError("malformed", "git listed its files in a form that is not known");
        if (entries.length >= limits.entries) {
          leftOut.push({
            file: path,
            reason: `more than ${limits.entries} files: this one and all after it`,
          });
          return { entries, objects, leftOut, cut: true };
        }
        if (type !== "blob") leftOut.push({ file: path, reason: "a submodule" });
        else if (path.split("/").length > limits.depth || path.length > limits.path)
          leftOut.push({ file: path, reason: `more than ${limits.depth} directories inside each other` });
        else if (objects.has(path))
          // Names are bytes: what is no UTF-8 is shown alike.
          leftOut.push({ file: path, reason: "another file's name reads the same", hides: true });
        else {
          objects.set(path, object);
          entries.push({
            path,
            kind: mode === "120000" ? "symlink" : "file",
            size: size === "-" ? 0 : Number(size),
            link: undefined,
          });
        }
      }
      if (rest.length > 4 * limits.path)
        throw new NixsealError("limit", "the repository has a path that is too long");
    }
  } finally {
    list.kill();
  }
  return {
    entries,
    objects,
    leftOut,
    cut: leftOut.some(({ reason, hides }) => reason !== "a submodule" && hides !== true),
  };
}

/** A symlink's blob is where it leads. */
async function withLinks(
  entries: readonly TargetEntry[],
  objects: ReadonlyMap<string, string>,
  reader: BlobReader,
): Promise<TargetEntry[]> {
  const found: TargetEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === "file") found.push(entry);
    else if (entry.size <= limits.path)
      found.push({
        ...entry,
        link: Buffer.from(await reader.read(objects.get(entry.path)!, limits.path)).toString("utf8"),
      });
    else found.push({ ...entry, link: "/" }); // no file system takes a link that long; wherever it leads, it leads out
  }
  return found;
}
