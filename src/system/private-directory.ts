import { promises as fs } from "node:fs";
import { dirname, join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { onInterrupt } from "./on-interrupt.ts";
import { shredTree } from "./shred.ts";

const memoryFileSystems = new Set([0x01021994, 0x858458f6]); // tmpfs, ramfs

/**
 * A directory of mode 0700 in memory for what must not reach a disk, made where the system keeps such a place
 * for the user. The caller removes it; a signal that ends the program does it too. Refused where there is none:
 * plaintext on a disk stays there after `rm`.
 */
export async function privateDirectory(): Promise<string> {
  const places = [process.env["XDG_RUNTIME_DIR"], `/run/user/${process.getuid?.()}`, "/dev/shm"];
  for (const named of places) {
    if (named === undefined || !named.startsWith("/")) continue;
    // By its real name from here on: whoever may change a symlink on the way could lead us elsewhere later.
    const place = await fs.realpath(named).catch(() => null);
    if (place === null || !memoryFileSystems.has((await fs.statfs(place)).type)) continue;
    if ((await isSafe(place)) && (await areSafe(dirname(place))))
      return takenAlong(await fs.mkdtemp(join(place, "nixseal-")));
  }
  throw new NixsealError("refused", "no file system in memory to keep a plaintext on", {
    hint: "mount a tmpfs and point XDG_RUNTIME_DIR at it",
  });
}

const made = new Set<string>();

function takenAlong(directory: string): string {
  if (made.size === 0)
    onInterrupt(() => {
      for (const path of made) shredTree(path);
    });
  made.add(directory);
  return directory;
}

/** With `sudo -E` the variable names another user's directory: that user could exchange ours while root's editor is open. */
async function isSafe(place: string): Promise<boolean> {
  const { uid, mode } = await fs.stat(place);
  if (uid !== 0 && uid !== process.geteuid?.()) return false;
  return (mode & 0o022) === 0 || (mode & 0o1000) !== 0;
}

/** All directories above: nobody but root and we may exchange one of them. */
async function areSafe(directory: string): Promise<boolean> {
  if (!(await isSafe(directory))) return false;
  return directory === "/" || areSafe(dirname(directory));
}
