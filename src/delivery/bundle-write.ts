import { createHash } from "node:crypto";
import { hex } from "../core/bytes.ts";
import type { Files } from "../core/file-ports.ts";
import { tarEnd, tarHeader, tarPadding } from "../core/tar.ts";
import { gzip } from "./gzip.ts";
import { formatManifest, manifestName, type BundleManifest, type ManifestFile } from "./manifest.ts";

/** A file that goes in: as it lies on the disk, or bytes. */
export interface BundlePart {
  readonly name: string;
  readonly content: Uint8Array | { readonly file: string };
}

/** Writes the bundle whole or not at all. The manifest, with what was written. */
export async function writeBundle(
  files: Pick<Files, "stream" | "openAtomic">,
  place: string,
  about: Omit<BundleManifest, "files">,
  parts: readonly BundlePart[],
): Promise<BundleManifest> {
  const listed: ManifestFile[] = [];
  for (const part of parts) listed.push(await described(files, part));
  const manifest = { ...about, files: listed };
  const file = await files.openAtomic(place, { mode: 0o644 });
  try {
    for await (const piece of gzip(archive(files, manifest, parts))) await file.write(piece);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
  return manifest;
}

async function described(files: Pick<Files, "stream">, { name, content }: BundlePart): Promise<ManifestFile> {
  const digest = createHash("sha256");
  let size = 0;
  for await (const piece of piecesOf(files, content)) {
    digest.update(piece);
    size += piece.length;
  }
  return { name, size, sha256: hex(digest.digest()) };
}

async function* archive(
  files: Pick<Files, "stream">,
  manifest: BundleManifest,
  parts: readonly BundlePart[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const first = formatManifest(manifest);
  yield tarHeader(manifestName, first.length);
  yield first;
  yield tarPadding(first.length);
  for (const [index, { name, content }] of parts.entries()) {
    const { size } = manifest.files[index]!;
    yield tarHeader(name, size);
    yield* piecesOf(files, content);
    yield tarPadding(size);
  }
  yield tarEnd();
}

async function* piecesOf(
  files: Pick<Files, "stream">,
  content: BundlePart["content"],
): AsyncGenerator<Uint8Array, void, undefined> {
  if (content instanceof Uint8Array) yield content;
  else yield* files.stream(content.file);
}
