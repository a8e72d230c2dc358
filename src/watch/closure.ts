/** What Nix knows of the running system. Asked of `nix-store`, which every version of Nix has. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";

type Ports = { readonly files: Pick<Files, "readLink">; readonly processes: Pick<Processes, "run"> };

/** Bytes of a list of paths. 200,000 paths, as many as an inventory takes, are 20 MB. */
const longestList = 64 << 20;

export const storePathPattern = /\/nix\/store\/[0-9abcdfghijklmnpqrsvwxyz]{32}-[A-Za-z0-9+\-._?=]{1,211}/g;

/** The store path that a symlink of the host leads to, without the prefix of `--root`; null where there is none. */
export async function storePathOf({ files }: Pick<Ports, "files">, link: string): Promise<string | null> {
  try {
    const [path] = (await files.readLink(link)).match(storePathPattern) ?? [];
    return path ?? null;
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw error;
  }
}

/** All that a path needs, itself included, as lines. */
export function requisites(ports: Ports, root: string, paths: readonly string[]): Promise<string> {
  return query(ports, root, "--requisites", paths);
}

/** All that needs a path, itself included. */
export async function dependents(ports: Ports, path: string): Promise<ReadonlySet<string>> {
  return new Set((await query(ports, "", "--referrers-closure", [path])).split("\n"));
}

async function query(
  { processes }: Ports,
  root: string,
  what: string,
  paths: readonly string[],
): Promise<string> {
  const store = root === "" ? [] : ["--store", root];
  const args = [...store, "--query", what, "--", ...paths];
  const { code, stdout, stderr } = await processes.run({
    program: "nix-store",
    args,
    maxOutput: longestList,
    timeout: 120_000,
  });
  if (code === 0) return utf8Text(stdout, "the answer of nix-store");
  throw new NixsealError("tool", `nix-store failed with exit code ${code}: ${lastLine(stderr)}`);
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)!.slice(0, 300);
}
