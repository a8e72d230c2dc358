/** The files that advisories come in. */
import { gunzipSync } from "node:zlib";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";

const limits = { bytes: 480 << 20, files: 1 << 20, depth: 16 };

/** Directories are walked, without following symlinks; of what is in them only files with these endings count. */
export async function filesBelow(
  files: Pick<Files, "list" | "status" | "statusOfLink">,
  paths: readonly string[],
  endings: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    const kind = (await files.statusOfLink(path))?.kind;
    if (kind === "file" && endings.some((ending) => path.endsWith(ending))) found.push(path);
    if (kind === "directory" && depth > limits.depth)
      throw new NixsealError("limit", `${path} is more than ${limits.depth} directories deep`);
    if (kind === "directory")
      for (const name of await files.list(path)) await visit(`${path}/${name}`, depth + 1);
    if (found.length > limits.files) throw new NixsealError("limit", `more than ${limits.files} files`);
  };
  for (const path of paths) {
    const status = await files.status(path);
    if (status?.kind === "directory")
      for (const name of await files.list(path)) await visit(`${path}/${name}`, 1);
    else found.push(path); // named by hand: read whatever it is, or say that it is not there
  }
  return found;
}

/** gzip is told by its first bytes; what unpacks to more than the limit is `limit`. */
export async function readMaybeCompressed(files: Pick<Files, "read">, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path, { limit: limits.bytes });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: limits.bytes });
  } catch (cause) {
    const tooLarge = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw new NixsealError(
      tooLarge ? "limit" : "malformed",
      tooLarge ? `unpacked it has more than ${limits.bytes} bytes` : "not whole gzip data",
      { cause },
    );
  }
}
