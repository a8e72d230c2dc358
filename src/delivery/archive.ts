/** One path's archive from a binary cache, held against the order before anything is done with it. */
import { createHash } from "node:crypto";
import { sameBytes, utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseNarInfo } from "../nix/narinfo.ts";
import { digestOf, storeDirectoryOf } from "../nix/store-path.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import { gunzip } from "./gzip.ts";
import type { Reader } from "./reader.ts";

const largestInfo = 1 << 20;

/**
 * The bytes of the NAR. Of the narinfo only where it lies and how it is compressed counts: size and hash are those of the order,
 * and the last piece comes only when both are right. `not-found` where the cache lacks the path.
 */
export async function* readArchive(
  cache: Reader,
  wanted: ClosurePath,
): AsyncGenerator<Uint8Array, void, undefined> {
  const found = await cache.get(`${digestOf(wanted.path)}.narinfo`, largestInfo);
  if (found === null) throw new NixsealError("io", `${cache.name} gave no answer`);
  const { url, compression } = parseNarInfo(
    utf8Text(found.bytes, "the narinfo"),
    storeDirectoryOf(wanted.path),
  );
  // It is put together with the cache's address: no dots, no host, no query.
  if (!/^nar\/[0-9a-z]{1,128}\.nar(?:\.gz)?$/.test(url))
    throw new NixsealError(
      "refused",
      `${cache.name}: the archive of ${wanted.path} is said to be at '${url.slice(0, 80)}'`,
    );
  if (compression === "none") yield* checked(cache.stream(url, wanted.narSize), cache, wanted);
  else if (compression === "gzip")
    // DEFLATE adds 5 bytes to 16 KiB that it cannot compress (RFC 1951, 3.2.4), gzip 18 and a name.
    yield* checked(gunzip(cache.stream(url, wanted.narSize + (wanted.narSize >> 8) + 4096)), cache, wanted);
  else
    throw new NixsealError(
      "config",
      `${cache.name}: ${wanted.path} is compressed with ${compression.slice(0, 20)}`,
      {
        hint: "a delivery's cache is made with compression none or gzip; others belong into the host's substituters",
      },
    );
}

/** Nobody sees the end of an archive that is not the one that was ordered. */
async function* checked(
  nar: AsyncIterable<Uint8Array>,
  cache: Pick<Reader, "name">,
  { path, narHash, narSize }: ClosurePath,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createHash("sha256");
  let size = 0;
  let last: Uint8Array | null = null;
  for await (const piece of nar) {
    size += piece.length;
    if (size > narSize) break;
    digest.update(piece);
    if (last !== null) yield last;
    last = piece;
  }
  if (last === null || size !== narSize || !sameBytes(digest.digest(), narHash.digest))
    throw new NixsealError(
      "refused",
      `${cache.name}: the archive of ${path} is not the one that was ordered`,
    );
  yield last;
}
