import { utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { at, NixsealError, type Where } from "../core/errors.ts";
import * as field from "./manifest-fields.ts";
import { list, nullable, object, oneOf, type Check } from "../core/shape.ts";

/** `users`: installed before the users of the configuration exist, so everything belongs to root. */
export type Stage = "default" | "users";

/** One secret on one host. */
export interface ManifestSecret {
  readonly name: string;
  /** The ciphertext, relative to the directory that the manifest lies in. */
  readonly source: string;
  /** sha256 of the ciphertext file, hex: a file that is not the one that was meant is noticed. */
  readonly digest: string;
  /** Where the value appears: `/run/nixseal/secrets/NAME`, or a symlink elsewhere. */
  readonly path: string;
  /** A name, or a number as text. */
  readonly owner: string;
  readonly group: string;
  /** Four octal digits. */
  readonly mode: string;
  readonly stage: Stage;
  /** Units to restart, and to reload, when the value changed; in the order of the inventory. */
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  readonly credential: { readonly name: string; readonly unit: string } | null;
  /** Secrets of one label are installed all or none. */
  readonly together: string | null;
}

/** What one host installs. Its text is canonical JSON, the same from TypeScript and from Nix. */
export interface Manifest {
  readonly version: 1;
  readonly host: string;
  /** Files with private keys to try, in this order. */
  readonly identities: readonly string[];
  /** Sorted by name. */
  readonly secrets: readonly ManifestSecret[];
}

/** What a manifest may hold. Far above any real fleet, and low enough that a hostile one costs nothing. */
export const manifestLimits = { bytes: 16 << 20, secrets: 10_000, identities: 64, units: 64 } as const;

const units = list(field.unitCheck, manifestLimits.units);

const secretCheck: Check<ManifestSecret> = object<ManifestSecret>(
  {
    credential: nullable(object({ name: field.credentialCheck, unit: field.unitCheck }, "sorted")),
    digest: field.digestCheck,
    group: field.accountCheck,
    mode: field.modeCheck,
    name: field.nameCheck,
    owner: field.accountCheck,
    path: field.absolutePath,
    reload: units,
    restart: units,
    source: field.sourcePath,
    stage: oneOf("default", "users"),
    together: nullable(field.nameCheck),
  },
  "sorted",
);

const manifestCheck: Check<Manifest> = object<Manifest>(
  {
    host: field.nameCheck,
    identities: list(field.absolutePath, manifestLimits.identities, 1),
    secrets: list(secretCheck, manifestLimits.secrets),
    version: oneOf(1),
  },
  "sorted",
);

/**
 * Reads a manifest. Strict: unknown keys, wrong types, duplicates, paths out of place and every spelling but the
 * canonical one are refused (`config` with the JSON path; `limit` for size). One newline at the end is allowed.
 */
export function parseManifest(bytes: Uint8Array, where: Where = {}): Manifest {
  try {
    if (bytes.length > manifestLimits.bytes)
      throw new NixsealError("limit", `manifest is larger than ${manifestLimits.bytes} bytes`);
    const written = utf8Text(bytes, "the manifest").replace(/\n$/, "");
    const value = readJson(written);
    checkVersion(value);
    const manifest = manifestCheck(value, "$");
    checkIdentities(manifest.identities);
    checkSecrets(manifest.secrets);
    checkSpelling(written, JSON.stringify(value)); // keys are in order by now
    return manifest;
  } catch (error) {
    throw at(error, where);
  }
}

/** The canonical text, without a newline at its end. */
export function manifestText(manifest: Manifest): string {
  return canonicalJson(manifest as unknown as Json);
}

function readJson(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch (cause) {
    // The parser's own message quotes the input, which may be anything.
    throw new NixsealError("config", "the manifest is not JSON", {
      hint: "make it with 'nixseal secrets manifest HOST'",
      cause,
    });
  }
}

/** Before all else: a later version will have keys that this one does not know. */
function checkVersion(value: unknown): void {
  if (typeof value !== "object" || value === null || !("version" in value)) return;
  const { version } = value;
  if (typeof version !== "number" || version === 1) return;
  throw new NixsealError("config", `$.version: manifest version ${version} is not known, only 1 is`, {
    hint: "install the nixseal-agent that belongs to the nixseal which made the manifest",
  });
}

function checkIdentities(identities: readonly string[]): void {
  for (const [index, path] of identities.entries())
    if (identities.indexOf(path) !== index)
      throw new NixsealError("config", `$.identities[${index}]: '${path}' is there twice`);
}

function checkSecrets(secrets: readonly ManifestSecret[]): void {
  for (const [index, { name, path }] of secrets.entries()) {
    const before = secrets[index - 1]?.name;
    if (before !== undefined && name <= before) {
      const problem =
        name === before ? `'${name}' is there twice` : `'${name}' must stand before '${before}'`;
      throw new NixsealError("config", `$.secrets[${index}].name: ${problem}`);
    }
    if (!field.isSecretPath(path, name))
      throw new NixsealError("config", `$.secrets[${index}].path: '${path}' is not a place for this secret`, {
        hint: `below /run/nixseal only '${field.secretsDirectory}/${name}' is possible, and nothing in /nix/store`,
      });
  }
  checkPaths(secrets);
}

/** No path twice, and none inside another: a file cannot be a directory too. */
function checkPaths(secrets: readonly ManifestSecret[]): void {
  const owner = new Map<string, string>();
  for (const [index, { name, path }] of secrets.entries()) {
    const other = owner.get(path);
    if (other !== undefined)
      throw new NixsealError("config", `$.secrets[${index}].path: '${path}' belongs to '${other}' already`);
    owner.set(path, name);
  }
  for (const [index, { path }] of secrets.entries()) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const other = owner.get(path.slice(0, end));
      if (other !== undefined)
        throw new NixsealError(
          "config",
          `$.secrets[${index}].path: '${path}' lies inside that of '${other}'`,
        );
    }
  }
}

/** Duplicate keys, spare white space and other escapes end here: two readers could take them for two things. */
function checkSpelling(written: string, canonical: string): void {
  if (written === canonical) return;
  let offset = 0;
  while (written[offset] === canonical[offset]) offset++;
  throw new NixsealError("config", "the manifest is not canonical JSON (sorted keys, no white space)", {
    hint: "make it with 'nixseal secrets manifest HOST', and do not reformat it",
    where: { offset: Buffer.byteLength(written.slice(0, offset)) },
  });
}
