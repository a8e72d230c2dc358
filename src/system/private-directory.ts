import * as fs from "node:fs/promises";
import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";

const memoryFileSystems = new Set([0x01021994, 0x858458f6]); // tmpfs, ramfs

/**
 * A directory of mode 0700 in memory for what must not reach a disk, made where the system keeps such a place
 * for the user. The caller removes it. Refused where there is none: plaintext on a disk stays there after `rm`.
 */
export async function privateDirectory(): Promise<string> {
  const places = [process.env["XDG_RUNTIME_DIR"], `/run/user/${process.getuid?.()}`, "/dev/shm"];
  for (const place of places) {
    if (place === undefined || !place.startsWith("/")) continue;
    const type = await fs.statfs(place).then(
      (status) => status.type,
      () => null,
    );
    if (type !== null && memoryFileSystems.has(type)) return fs.mkdtemp(join(place, "nixseal-"));
  }
  throw new NixsealError("refused", "no file system in memory to keep a plaintext on", {
    hint: "mount a tmpfs and point XDG_RUNTIME_DIR at it",
  });
}
