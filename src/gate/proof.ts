/** What shows that a path is what it says to be, without anybody's word. Pure. */
import { sameBytes } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { contentAddressedPath } from "../nix/content-address.ts";
import { verifyNarInfo } from "../nix/narinfo.ts";
import type { PathInfo } from "../nix/path-info.ts";
import type { PublicKey, Signature } from "../nix/signing-key.ts";
import { nameOf, storeDirectoryOf } from "../nix/store-path.ts";

/** The first signature by one of the keys over exactly this path, hash, size and references. */
export function signedBy(info: PathInfo, keys: readonly PublicKey[]): Signature | undefined {
  const verdicts = verifyNarInfo(info, keys);
  return info.signatures.find((_, n) => verdicts[n]!.valid);
}

/**
 * Whether the path follows from the address and the references that it comes with, by SHA-256. Where the address is the archive's own
 * hash, that is compared too; for a single file, and for content with its own path in it, Nix compares when it has unpacked it.
 */
export function isContentAddressed(info: PathInfo): boolean {
  const { path, contentAddress, references, narHash } = info;
  if (contentAddress === null) return false;
  const others = references.filter((reference) => reference !== path);
  const self = others.length < references.length;
  try {
    const expected = contentAddressedPath(
      nameOf(path),
      contentAddress,
      { others, self },
      storeDirectoryOf(path),
    );
    if (expected !== path) return false;
  } catch (error) {
    if (error instanceof NixsealError && error.code === "malformed") return false;
    throw error;
  }
  return contentAddress.method !== "nar" || self || sameBytes(contentAddress.hash.digest, narHash.digest);
}
