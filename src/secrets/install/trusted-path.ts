import { NixsealError } from "../../core/errors.ts";
import type { Files, FileStatus } from "../../core/file-ports.ts";

type Look = Pick<Files, "status" | "statusOfLink" | "readLink">;

/** What a path leads to. */
export interface Resolved {
  /** Without symlinks, with the prefix of the root. */
  readonly path: string;
  readonly status: FileStatus;
  /** The parts of the path that do not exist below it. */
  readonly missing: readonly string[];
  /** Whether none but the trusted can put something else into this directory. */
  readonly trusted: boolean;
}

const mostLinks = 40; // as the kernel (path_resolution(7))

/**
 * Follows a path from the root directory as chroot(2) would, and refuses (`refused`) to go through what somebody
 * else could exchange between our look and our use: a directory that others may write, a symlink of another user.
 * The last part alone may belong to anybody; `trusted` tells. Trusted are root and the user who runs this.
 */
export async function resolveTrusted(files: Look, root: string, path: string): Promise<Resolved> {
  const top = await statusOf(files, root === "" ? "/" : root);
  const owners = new Set([0, (await files.status("/proc/self"))?.uid ?? 0]); // proc(5): the effective uid
  const stack: { readonly path: string; readonly status: FileStatus }[] = [{ path: root, status: top }];
  const parts = partsOf(path);
  let links = 0;
  for (;;) {
    const here = stack.at(-1)!;
    const part = parts.shift();
    if (part === undefined) return { ...here, missing: [], trusted: isTrusted(here.status, owners) };
    if (part === "..") {
      if (stack.length > 1) stack.pop();
      continue;
    }
    if (here.status.kind !== "directory")
      throw new NixsealError("not-found", "a part of the path is not a directory", {
        where: { file: here.path },
      });
    if (!isTrusted(here.status, owners)) throw untrusted(here.path, here.status);
    const next = `${here.path}/${part}`;
    const status = await files.statusOfLink(next);
    if (status === null) return { ...here, missing: [part, ...parts], trusted: true };
    if (status.kind !== "symlink") {
      stack.push({ path: next, status });
      continue;
    }
    // A sticky directory keeps others from removing entries, not from making a symlink there before us.
    if (!owners.has(status.uid)) throw untrusted(next, status);
    if (++links > mostLinks)
      throw new NixsealError("io", "too many levels of symlinks", { where: { file: path } });
    const target = await files.readLink(next);
    if (target.startsWith("/")) stack.length = 1;
    parts.unshift(...partsOf(target));
  }
}

/** The directory, made with what is missing above it (mode 0755) where only the trusted can interfere. */
export async function ensureTrustedDirectory(
  files: Look & Pick<Files, "makeDirectory">,
  root: string,
  path: string,
  mode = 0o755,
): Promise<Resolved> {
  const found = await resolveTrusted(files, root, path);
  if (found.missing.length === 0) return found;
  if (found.status.kind !== "directory" || found.missing.includes(".."))
    throw new NixsealError("not-found", "a part of the path is not a directory", {
      where: { file: found.path },
    });
  let made = found.path;
  for (const [index, part] of found.missing.entries()) {
    made = `${made}/${part}`;
    try {
      await files.makeDirectory(made, { mode: index === found.missing.length - 1 ? mode : 0o755 });
    } catch (error) {
      // Another run made it meanwhile; whether it can be trusted is looked at below.
      if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
    }
  }
  return resolveTrusted(files, root, path);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

async function statusOf(files: Look, path: string): Promise<FileStatus> {
  const status = await files.statusOfLink(path);
  if (status?.kind === "directory") return status;
  throw new NixsealError("not-found", "the root is not a directory", { where: { file: path } });
}

function isTrusted(status: FileStatus, owners: ReadonlySet<number>): boolean {
  const othersMayWrite = (status.mode & 0o022) !== 0 && (status.mode & 0o1000) === 0;
  return owners.has(status.uid) && !othersMayWrite;
}

function untrusted(path: string, { uid, mode }: FileStatus): NixsealError {
  return new NixsealError(
    "refused",
    `others can change it (owner ${uid}, mode ${mode.toString(8).padStart(4, "0")})`,
    { hint: `chown root '${path}' and chmod go-w '${path}', or use another path`, where: { file: path } },
  );
}
