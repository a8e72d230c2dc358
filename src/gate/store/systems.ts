/** Which systems this host runs, booted, and boots next. */
import { dirname, join } from "node:path";
import type { Files } from "../../core/file-ports.ts";
import { fromBaseName, type StorePath } from "../../nix/store-path.ts";

export interface Systems {
  /** Null where there is none, or where it is not a path of the store. */
  readonly running: StorePath | null;
  readonly booted: StorePath | null;
  /** Of the profile: the one that the boot menu starts with. */
  readonly profile: StorePath | null;
}

const mostLinks = 16;

/** `root` prefixes the places, `profile` is the path of the profile's link without it. */
export async function readSystems(
  files: Pick<Files, "readLink" | "statusOfLink">,
  { root, profile, storeDirectory }: { root: string; profile: string; storeDirectory: string },
): Promise<Systems> {
  const system = (link: string) => systemAt(files, root, link, storeDirectory);
  return {
    running: await system("/run/current-system"),
    booted: await system("/run/booted-system"),
    profile: await system(profile),
  };
}

/** Links are followed by their text until one names a store path: the store itself may lie elsewhere. */
export async function systemAt(
  files: Pick<Files, "readLink" | "statusOfLink">,
  root: string,
  link: string,
  storeDirectory: string,
): Promise<StorePath | null> {
  let path = link;
  for (let i = 0; i < mostLinks; i += 1) {
    if (path.startsWith(`${storeDirectory}/`)) return storePathOf(path, storeDirectory);
    if ((await files.statusOfLink(`${root}${path}`))?.kind !== "symlink") return null;
    const target = await files.readLink(`${root}${path}`);
    path = target.startsWith("/") ? target : join(dirname(path), target);
  }
  return null;
}

function storePathOf(path: string, storeDirectory: string): StorePath | null {
  const [baseName = ""] = path.slice(storeDirectory.length + 1).split("/");
  return /^[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+\-._?=]+$/.test(baseName)
    ? fromBaseName(baseName, storeDirectory)
    : null;
}
