/** A copy of an archive that nobody but root can change. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { sameBytes } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import type { Signed } from "../../nix/fingerprint.ts";
import { digestOf } from "../../nix/store-path.ts";
import { writeIncoming } from "../quarantine/incoming.ts";

export interface CopyPorts {
  readonly files: Pick<
    Files,
    "list" | "makeDirectory" | "openAtomic" | "remove" | "statusOfLink" | "stream" | "streamInside"
  >;
  readonly processes: Pick<Processes, "pid">;
}

export interface RootCopy {
  stream(): AsyncIterable<Uint8Array>;
  remove(): Promise<void>;
}

/**
 * Copies the archive that was sent to `directory`, which is root's, and proves its size and hash. Throws `malformed`, and leaves
 * nothing, when it is another one.
 */
export async function copyForRoot(
  { files, processes }: CopyPorts,
  directory: string,
  sent: AsyncIterable<Uint8Array>,
  { path, narHash, narSize }: Signed,
): Promise<RootCopy> {
  await files.makeDirectory(directory, { mode: 0o700, parents: true });
  await removeLeftovers(files, directory);
  // By its path: another path with the same content may be repaired at the same time.
  const place = join(directory, `${processes.pid}-${digestOf(path)}.nar`);
  const digest = createHash("sha256");
  const file = await files.openAtomic(place, { mode: 0o600, sync: false });
  try {
    await writeIncoming(file, hashed(exactly(sent, narSize), digest));
    if (!sameBytes(digest.digest(), narHash.digest))
      throw new NixsealError("malformed", `the archive that was sent is not that of ${path}`, {
        hint: "send the path again",
      });
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
  return { stream: () => files.stream(place), remove: () => files.remove(place) };
}

/** Exactly so many bytes: a longer or shorter one is `malformed`, before its last bytes are passed on. */
export async function* exactly(
  nar: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  for await (const bytes of nar) {
    left -= bytes.length;
    if (left < 0) break;
    yield bytes;
  }
  if (left !== 0)
    throw new NixsealError("malformed", `the archive that was sent does not have ${size} bytes`, {
      hint: "send the path again",
    });
}

async function* hashed(
  nar: AsyncIterable<Uint8Array>,
  digest: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of nar) {
    digest.update(bytes);
    yield bytes;
  }
}

/** Of processes that were killed. */
async function removeLeftovers(files: CopyPorts["files"], directory: string): Promise<void> {
  for (const name of await files.list(directory)) {
    const pid = /^\.?([0-9]+)-/.exec(name)?.[1];
    if (pid !== undefined && (await files.statusOfLink(`/proc/${pid}`)) === null)
      await files.remove(join(directory, name)).catch(async (error: unknown) => {
        if ((await files.statusOfLink(join(directory, name))) !== null) throw error;
      });
  }
}
