import { createHash } from "node:crypto";

import { NixsealError } from "../../core/errors.ts";
import type { Hash } from "../hash.ts";
import type { NarLimits } from "./format.ts";
import { NarParser } from "./parser.ts";

export interface NarSummary {
  readonly hash: Hash;
  /** Bytes of the archive. */
  readonly size: number;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
}

/**
 * Reads a NAR to its end and says what it is: SHA-256, size, what it holds. Throws as `readNar` does. Parsed
 * and hashed in one pass, so that what was judged and what was hashed are the same bytes.
 */
export async function verifyNar(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<NarLimits> = {},
): Promise<NarSummary> {
  const parser = new NarParser(limits);
  const digest = createHash("sha256");
  const count = { file: 0, directory: 0, symlink: 0, content: 0, end: 0 };
  for await (const bytes of source) {
    digest.update(bytes);
    for (const event of parser.push(bytes)) count[event.type]++;
    if (parser.rest.length > 0)
      throw new NixsealError("malformed", "bytes follow the end of the NAR", {
        where: { offset: parser.offset },
      });
  }
  parser.end();
  return {
    hash: { algorithm: "sha256", digest: new Uint8Array(digest.digest()) },
    size: parser.offset,
    files: count.file,
    directories: count.directory,
    symlinks: count.symlink,
  };
}
