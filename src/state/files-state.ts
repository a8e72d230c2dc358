import { sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { Turns } from "./turns.ts";
import { checkKey, checkValue, largestValue, type State } from "./state.ts";

/** Milliseconds that a writer waits for another on this machine. */
const patience = 10_000;

type Disk = Pick<
  Files,
  "read" | "list" | "statusOfLink" | "writeAtomic" | "remove" | "sync" | "lock" | "makeDirectory"
>;

/**
 * The embedded engine: a file a key in one directory, on a file system that this machine alone writes. `/` stands as
 * `%` in file names, which no key holds. Each write is made durable before it is reported, under a kernel lock.
 */
export function filesState(files: Disk, directory: string): State {
  const pathOf = (key: string): string => `${directory}/${key.replaceAll("/", "%")}`;
  const turns = new Turns(async () => {
    await files.makeDirectory(directory, { mode: 0o700, parents: true });
    return files.lock(`${directory}/.lock`, { wait: patience, purpose: "write to the shared state" });
  });

  async function get(key: string): Promise<Uint8Array | null> {
    checkKey(key);
    try {
      return await files.read(pathOf(key), { limit: largestValue, follow: false });
    } catch (error) {
      if (error instanceof NixsealError && error.code === "not-found") return null;
      throw error;
    }
  }

  return {
    get,

    async list(prefix, { limit, after, order = "ascending" }) {
      const keys = (await namesIn(files, directory))
        .map((name) => name.replaceAll("%", "/"))
        .filter((key) => !key.startsWith(".") && key.startsWith(prefix))
        .sort();
      if (order === "descending") keys.reverse();
      const beyond = (key: string): boolean =>
        after === undefined || (order === "ascending" ? key > after : key < after);
      const found = [];
      for (const key of keys) {
        if (found.length === limit) break;
        if (!beyond(key)) continue;
        const value = await get(key);
        if (value !== null) found.push({ key, value }); // null: removed since the directory was read
      }
      return found;
    },

    async swap(key, expected, next) {
      checkKey(key);
      if (next !== null) checkValue(key, next);
      return turns.take(async () => {
        const found = await get(key);
        if (expected === null || found === null) {
          if (expected !== found) return false;
        } else if (!sameBytes(expected, found)) return false;
        if (next !== null) await files.writeAtomic(pathOf(key), next, { mode: 0o600 });
        else if (found !== null) {
          await files.remove(pathOf(key));
          await files.sync(directory);
        }
        return true;
      });
    },
  };
}

async function namesIn(files: Disk, directory: string): Promise<string[]> {
  return (await files.statusOfLink(directory)) === null ? [] : files.list(directory);
}
