/**
 * `manifest.json`, the first file of a bundle: every other one in order, with its size and hash. It tells damage on the way from
 * a bad order, before anything is done; it is not signed, since whoever changes a file can change it too.
 */
import { sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name } from "../inventory/field-rules.ts";
import { asMalformed } from "../trust/root/root.ts";
import { orderNumber } from "./head.ts";

export interface ManifestFile {
  readonly name: string;
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

export interface BundleManifest {
  readonly fleet: string;
  readonly host: string;
  readonly seq: number;
  /** The order that the host is taken to have already: what that names is left out. 0 for none. */
  readonly since: number;
  readonly files: readonly ManifestFile[];
}

export const manifestName = "manifest.json";
export const manifestLimit = 32 << 20;
const mostFiles = 110_000;

export function formatManifest({ fleet, host, seq, since, files }: BundleManifest): Uint8Array {
  const listed = files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
  return utf8(`${canonicalJson({ v: 1, fleet, host, seq, since, files: listed })}\n`);
}

export function parseManifest(bytes: Uint8Array): BundleManifest {
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the manifest"));
  } catch (cause) {
    throw new NixsealError("malformed", "the manifest of the bundle is not JSON", { cause });
  }
  const { v: _, ...manifest } = asMalformed(() => shape(value, "manifest"));
  if (!sameBytes(formatManifest(manifest), bytes))
    throw new NixsealError("malformed", "the manifest of the bundle is not canonical JSON with one line end");
  if (new Set(manifest.files.map((file) => file.name)).size !== manifest.files.length)
    throw new NixsealError("malformed", "the manifest of the bundle names a file twice");
  return manifest;
}

const size: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a size", value);
};
const named = text((given) => follows(name, given), name.expected);
const shape = object<BundleManifest & { readonly v: 1 }>({
  v: oneOf(1),
  fleet: named,
  host: named,
  seq: orderNumber,
  since: size,
  files: list(
    object<ManifestFile>({
      name: text((given) => given.length <= 100, "a name"),
      size,
      sha256: text((given) => /^[0-9a-f]{64}$/.test(given), "64 digits in hex"),
    }),
    mostFiles,
  ),
});
