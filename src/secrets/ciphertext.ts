import { createHash } from "node:crypto";
import { hex } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { ManifestSecret } from "./manifest.ts";

/** Bytes of one ciphertext file that a host accepts. */
export const ciphertextLimit = 16 << 20;

/** Where a ciphertext lies: beside the manifest, or where `withPushed` says; a manifest's own sources are never absolute. */
export function sourceFile(directory: string, { source }: Pick<ManifestSecret, "source">): string {
  return source.startsWith("/") ? source : `${directory}/${source}`;
}

/** Reads a ciphertext and compares it with the digest of the manifest: the wrong file is `refused`. */
export async function readCiphertext(
  files: Pick<Files, "read" | "status">,
  directory: string,
  secret: Pick<ManifestSecret, "source" | "digest">,
): Promise<Uint8Array> {
  const path = sourceFile(directory, secret);
  const status = await files.status(path);
  // A pipe with no writer would be waited for.
  if (status !== null && status.kind !== "file")
    throw new NixsealError("malformed", "the ciphertext is not a file", { where: { file: path } });
  const ciphertext = await files.read(path, { limit: ciphertextLimit });
  const digest = hex(createHash("sha256").update(ciphertext).digest());
  if (digest !== secret.digest)
    throw new NixsealError("refused", "the ciphertext is not the one that the manifest names", {
      hint: "make the manifest anew, or restore the file",
      where: { file: path },
    });
  return ciphertext;
}
