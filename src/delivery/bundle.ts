/**
 * A bundle: a delivery for one host as one file, a tar archive under gzip. `tar xzf` makes a directory of it that `pull` and `nix copy`
 * read too. The manifest comes first, then the orders, then a binary cache whose archives lie in the order in which a host takes
 * them, each under its NAR hash.
 */
import { createHash } from "node:crypto";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { fromNix32, nix32 } from "../nix/base32.ts";
import { hex, utf8Text } from "../core/bytes.ts";
import { digestOf, storeDirectoryOf } from "../nix/store-path.ts";
import type { OfferMessage } from "../gate/message.ts";
import { referencesFirst } from "../gate/receive/held.ts";
import { parseNarInfo } from "../nix/narinfo.ts";
import type { ClosurePath } from "../trust/warrant/closure.ts";
import type { Head } from "../trust/warrant/state.ts";
import { bundleEntries, type BundleEntry } from "./bundle-stream.ts";
import { gunzip } from "./gzip.ts";
import { cacheDirectory, headFile, parseHead, type DeliveryHead } from "./head.ts";
import { manifestLimit, manifestName, parseManifest, type BundleManifest } from "./manifest.ts";
import { offerFrom } from "./offer.ts";
import { orderFiles } from "./source.ts";

/** Bytes of everything that is not an archive: orders, status, narinfos. */
const mostDocuments = 256 << 20;

export interface ReadBundle {
  readonly manifest: BundleManifest;
  readonly head: DeliveryHead;
  /** NAR hashes in nix32 of the archives that are in it. */
  readonly archives: ReadonlySet<string>;
  /** What the host's gate is to decide on, given the last orders that it accepted, by sequence. */
  readonly offer: (heads: ReadonlyMap<string, Head>) => Promise<OfferMessage>;
}

export function archiveName(path: Pick<ClosurePath, "narHash">): string {
  return `${cacheDirectory}/nar/${nix32(path.narHash.digest)}.nar`;
}

/** The names of a bundle's cache in their order: narinfos, then archives, references first. */
export function cacheFiles(paths: readonly ClosurePath[]): string[] {
  const ordered = referencesFirst(new Map(paths.map((path) => [path.path, path])));
  return [
    ...paths.map(({ path }) => `${cacheDirectory}/${digestOf(path)}.narinfo`),
    ...new Set(ordered.map(archiveName)),
  ];
}

/**
 * Reads all of it once: every byte is what the manifest says, every archive what its name says. Throws `malformed` for whatever was damaged on
 * the way. Nothing is decided on.
 */
export async function readBundle(files: Pick<Files, "stream">, file: string): Promise<ReadBundle> {
  const documents = new Map<string, Uint8Array>();
  const archives = new Set<string>();
  let manifest: BundleManifest | null = null;
  let next = 0;
  let held = 0;
  for await (const entry of bundleEntries(gunzip(files.stream(file)))) {
    if (manifest === null) {
      if (entry.name !== manifestName) throw fault("its first file is not a manifest");
      manifest = parseManifest(await whole(entry, manifestLimit));
      continue;
    }
    const expected = manifest.files[next++];
    if (expected?.name !== entry.name || expected.size !== entry.size)
      throw fault(`${entry.name} is not what its manifest names next`);
    const archive = archiveHash(entry.name);
    if (archive === null) held += entry.size;
    if (held > mostDocuments) throw new NixsealError("limit", "the bundle holds too much beside archives");
    const digest = createHash("sha256");
    const kept: Uint8Array[] = [];
    for await (const piece of entry.bytes) {
      digest.update(piece);
      if (archive === null) kept.push(piece);
    }
    const found = digest.digest();
    if (hex(found) !== expected.sha256) throw fault(`${entry.name} is damaged`);
    if (archive === null) documents.set(entry.name, Buffer.concat(kept));
    else if (nix32(found) === archive) archives.add(archive);
    else throw fault(`${entry.name} is another archive than its name says`);
  }
  if (manifest === null) throw fault("it is empty");
  if (next < manifest.files.length) throw fault(`${manifest.files[next]!.name} is missing`);
  return openDocuments(manifest, documents, archives, file);
}

function openDocuments(
  manifest: BundleManifest,
  documents: ReadonlyMap<string, Uint8Array>,
  archives: ReadonlySet<string>,
  file: string,
): ReadBundle {
  const reader = {
    name: file,
    get: async (name: string) => {
      const bytes = documents.get(name);
      if (bytes === undefined)
        throw new NixsealError("not-found", `the bundle has no ${name}`, {
          hint: "make one that begins earlier: 'nixseal bundle create' with a smaller --since",
        });
      return { bytes, tag: null };
    },
    stream: () => {
      throw new NixsealError("bug", "archives of a bundle are read in their order");
    },
  };
  const head = parseHead(documents.get(headFile(manifest.host)) ?? new Uint8Array());
  const { fleet, host, seq } = manifest;
  if (head.fleet !== fleet || head.host !== host || head.seq !== seq)
    throw fault("its head is not what its manifest says");
  return { manifest, head, archives, offer: (heads) => offerFrom(orderFiles(reader, host), head, heads) };
}

/** Once more, from the beginning: the archives that are wanted, by their NAR hash in nix32. All others are passed over. */
export async function* archivesOf(
  files: Pick<Files, "stream">,
  file: string,
  wanted: ReadonlySet<string>,
): AsyncGenerator<{ readonly hash: string; readonly nar: AsyncIterable<Uint8Array> }, void, undefined> {
  for await (const entry of bundleEntries(gunzip(files.stream(file)))) {
    const hash = archiveHash(entry.name);
    if (hash !== null && wanted.has(hash)) yield { hash, nar: entry.bytes };
    else for await (const _ of entry.bytes);
  }
}

/** Where a cache without compression has the archive: under its NAR hash, as Nix writes it. `malformed` otherwise. */
export function checkInfo(bytes: Uint8Array, { path, narHash }: ClosurePath): void {
  const { url, compression } = parseNarInfo(utf8Text(bytes, "the narinfo"), storeDirectoryOf(path));
  if (compression === "none" && `${cacheDirectory}/${url}` === archiveName({ narHash })) return;
  throw new NixsealError("malformed", `the cache has another archive of ${path} than the order names`, {
    hint: "the store holds something else than what was signed: build it again, or make a new order",
  });
}

function archiveHash(name: string): string | null {
  const hash = /^cache\/nar\/([0-9a-z]{52})\.nar$/.exec(name)?.[1];
  return hash !== undefined && fromNix32(hash) !== null ? hash : null;
}

async function whole({ name, size, bytes }: BundleEntry, limit: number): Promise<Uint8Array> {
  if (size > limit) throw new NixsealError("limit", `${name} has more than ${limit} bytes`);
  const parts: Uint8Array[] = [];
  for await (const piece of bytes) parts.push(piece);
  return Buffer.concat(parts);
}

function fault(what: string): NixsealError {
  return new NixsealError("malformed", `the bundle is damaged: ${what}`);
}
