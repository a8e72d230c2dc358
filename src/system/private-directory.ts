import { rmSync } from "node:fs";
import { promises as fs } from "node:fs";
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { onInterrupt } from "./on-interrupt.ts";

const memoryFileSystems = new Set([0x01021994, 0x858458f6]); // tmpfs, ramfs

/**
 * A directory of mode 0700 in memory for what must not reach a disk, made where the system keeps such a place
 * for the user. The caller removes it; a signal that ends the program does it too. Refused where there is none:
 * plaintext on a disk stays there after `rm`.
 */
export async function privateDirectory(): Promise<string> {
  const places = [process.env["XDG_RUNTIME_DIR"], `/run/user/${process.getuid?.()}`, "/dev/shm"];
  for (const place of places) {
    if (place === undefined || !place.startsWith("/")) continue;
    const type = await fs.statfs(place).then(
      (status) => status.type,
      () => null,
    );
    if (type !== null && memoryFileSystems.has(type) && (await isSafe(place)))
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
      for (const path of made) rmSync(path, { recursive: true, force: true });
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
