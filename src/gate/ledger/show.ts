/** What is known about how a path came to this host. */
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { byPath, digestOf, fromBaseName, nameOf, type StorePath } from "../../nix/store-path.ts";
import type { LedgerEntry } from "./entry.ts";
import type { Origin } from "./origin.ts";
import { readLedger, type LedgerFault } from "./read.ts";

export interface PathHistory {
  readonly path: StorePath;
  /** Oldest first; none where the ledger never heard of it. */
  readonly entries: readonly LedgerEntry[];
  /** What it refers to or was built from, by its last entry, each with the origin that it had last itself. */
  readonly dependencies: readonly { readonly path: StorePath; readonly origin: Origin | null }[];
}

export interface Histories {
  readonly paths: readonly PathHistory[];
  readonly faults: readonly LedgerFault[];
}

/** Whether a path is meant. */
export type PickPath = (path: StorePath) => boolean;

/** A name alone may mean many; more than these are not listed at once. */
const mostPaths = 1000;

/**
 * From a store path, a file in one or a link to one (`/run/current-system/sw/bin/sudo`), a base name, the 32 digits in front,
 * or a name without them. `storeFiles` is where the store's files lie.
 */
export async function parsePick(
  files: Pick<Files, "realPath">,
  text: string,
  { storeDirectory, storeFiles }: { storeDirectory: string; storeFiles: string },
): Promise<{ readonly pick: PickPath; readonly exact: StorePath | null }> {
  const exactly = (path: StorePath) => ({ pick: (one: StorePath) => one === path, exact: path });
  if (text.startsWith(`${storeDirectory}/`)) return exactly(inStore(text, storeDirectory, storeDirectory));
  if (text.includes("/")) return exactly(inStore(await files.realPath(text), storeFiles, storeDirectory));
  if (/^[0-9a-df-np-sv-z]{32}$/.test(text)) return { pick: (path) => digestOf(path) === text, exact: null };
  if (/^[0-9a-df-np-sv-z]{32}-/.test(text)) return exactly(fromBaseName(text, storeDirectory));
  return { pick: (path) => nameOf(path) === text, exact: null };
}

/** Reads the ledger twice, so that memory is that of the answer. */
export async function pathHistories(
  files: Pick<Files, "list" | "stream">,
  ledger: string,
  pick: PickPath,
): Promise<Histories> {
  const found = new Map<StorePath, LedgerEntry[]>();
  const faults: LedgerFault[] = [];
  for await (const item of readLedger(files, ledger)) {
    if (item.kind === "fault") faults.push(item.fault);
    else if (pick(item.entry.path)) {
      const entries = found.get(item.entry.path);
      if (entries !== undefined) entries.push(item.entry);
      else if (found.size < mostPaths) found.set(item.entry.path, [item.entry]);
      else throw new NixsealError("limit", `more than ${mostPaths} paths have this name`);
    }
  }
  const wanted = new Map<StorePath, Origin | null>();
  for (const entries of found.values())
    for (const path of dependenciesOf(entries.at(-1)!)) wanted.set(path, null);
  for await (const item of readLedger(files, ledger))
    if (item.kind === "entry" && wanted.has(item.entry.path)) wanted.set(item.entry.path, item.entry.origin);
  const paths = [...found].map(([path, entries]) => ({
    path,
    entries,
    dependencies: dependenciesOf(entries.at(-1)!).map((one) => ({
      path: one,
      origin: wanted.get(one) ?? null,
    })),
  }));
  return { paths, faults };
}

function dependenciesOf({ path, references, origin }: LedgerEntry): StorePath[] {
  const built = origin.kind === "build" ? [origin.derivation, ...origin.inputs] : [];
  return [...new Set([...references, ...built])].filter((one) => one !== path).sort(byPath);
}

function inStore(path: string, files: string, storeDirectory: string): StorePath {
  const below = path.startsWith(`${files}/`) ? path.slice(files.length + 1).split("/")[0]! : "";
  if (below !== "") return fromBaseName(below, storeDirectory);
  throw new NixsealError("usage", `${path} is not in the store`, {
    hint: `give a path below ${storeDirectory}, or a link to one`,
  });
}
