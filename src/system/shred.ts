import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
const zeros = new Uint8Array(1 << 20);

/**
 * Overwrites every regular file of a tree in memory with zeros, then removes the tree. The pages of a tmpfs are not cleared when
 * a file goes, and whoever still has one open, or another name for it, would go on reading: after this they read zeros. Symlinks are
 * removed and never followed. Nothing there is no error; the first failure is thrown when all else is done. Without promises:
 * a signal does not wait.
 */
export function shredTree(path: string): void {
  const failures: unknown[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      failures.push(error);
    }
  };
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const here = next;
    attempt(() => {
      const stats = lstatSync(here, { throwIfNoEntry: false });
      if (stats?.isFile() === true) overwrite(here);
      if (stats?.isDirectory() !== true) return;
      chmodSync(here, 0o700); // what its owner may have closed
      waiting.push(...readdirSync(here).map((name) => join(here, name)));
    });
  }
  attempt(() => rmSync(path, { recursive: true, force: true }));
  if (failures.length > 0) throw failures[0];
}

/** Through the file itself, so that it is the same memory. Our own files are read-only: the mode first. */
function overwrite(path: string): void {
  chmodSync(path, 0o600);
  const descriptor = openSync(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return;
    for (let at = 0; at < stats.size;)
      at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, stats.size - at), at);
  } finally {
    closeSync(descriptor);
  }
}
