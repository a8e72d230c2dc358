import { createHash } from "node:crypto";

import type { Hash } from "../hash.ts";

/** SHA-256 and size in bytes of a stream, as the fields NarHash and NarSize have them. */
export async function hashStream(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly hash: Hash; readonly size: number }> {
  const digest = createHash("sha256");
  let size = 0;
  for await (const bytes of source) {
    digest.update(bytes);
    size += bytes.length;
  }
  return { hash: { algorithm: "sha256", digest: new Uint8Array(digest.digest()) }, size };
}
