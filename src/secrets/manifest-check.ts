import { dirname } from "node:path";
import { NixsealError, placeOf, type ErrorCode } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { readCiphertext } from "./ciphertext.ts";
import { manifestLimits, parseManifest, type Manifest, type ManifestSecret } from "./manifest.ts";

/** One thing that would keep a secret from being installed. */
export interface ManifestFinding {
  readonly secret: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

export interface ManifestVerdict {
  readonly manifest: Manifest;
  readonly findings: readonly ManifestFinding[];
}

/** A manifest with its place: the directory of the file itself, not of a symlink to it, is where sources lie. */
export interface ReadManifest {
  readonly manifest: Manifest;
  readonly file: string;
  readonly directory: string;
}

export async function readManifest(
  files: Pick<Files, "read" | "realPath">,
  path: string,
): Promise<ReadManifest> {
  const file = await files.realPath(path);
  const bytes = await files.read(file, { limit: manifestLimits.bytes });
  return { manifest: parseManifest(bytes, { file: path }), file, directory: dirname(file) };
}

/**
 * What can be known of a manifest without any key, at build time: it parses, every source is there, is the one that
 * is meant, and looks like an age file. Throws as `parseManifest`; findings are data.
 */
export async function checkManifest(
  files: Pick<Files, "read" | "status" | "realPath">,
  path: string,
): Promise<ManifestVerdict> {
  const { manifest, directory } = await readManifest(files, path);
  const findings: ManifestFinding[] = [];
  for (const secret of manifest.secrets) {
    try {
      await checkSource(files, directory, secret);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      const place = placeOf(error.where);
      const message = place === "" ? error.message : `${place}: ${error.message}`;
      findings.push({ secret: secret.name, code: error.code, message, hint: error.hint ?? null });
    }
  }
  return { manifest, findings };
}

/** The first line of the age format v1, in binary and in armor: a plaintext by mistake is noticed here. */
const beginnings = ["age-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----"];

async function checkSource(
  files: Pick<Files, "read" | "status">,
  directory: string,
  secret: ManifestSecret,
): Promise<void> {
  const ciphertext = await readCiphertext(files, directory, secret);
  const start = Buffer.from(ciphertext.subarray(0, 64)).toString("latin1").trimStart();
  if (beginnings.some((beginning) => start.startsWith(beginning))) return;
  throw new NixsealError("malformed", "this is not an age file", {
    hint: `write it with 'nixseal secrets set ${secret.name}'; if it is a plaintext, its value is burnt`,
    where: { file: `${directory}/${secret.source}` },
  });
}
