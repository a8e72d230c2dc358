/** Which secrets of a host a new system brings, takes and changes: by their manifests, which hold no values. */
import type { StorePath } from "../nix/store-path.ts";
import { nameOf } from "../nix/store-path.ts";
import { manifestLimits, parseManifest, type Manifest, type ManifestSecret } from "../secrets/manifest.ts";
import type { StoreTree } from "./store-tree.ts";

export interface SecretChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Another ciphertext. Whether its value is another one too only its readers can tell. */
  readonly changed: readonly string[];
  /** The same ciphertext with another path, owner or mode, or for other units. */
  readonly moved: readonly string[];
}

/** The manifests that systems of a closure install: the derivation that the NixOS module names so. */
export function manifestsIn(paths: readonly { readonly path: StorePath }[], host: string): StorePath[] {
  return paths.map(({ path }) => path).filter((path) => nameOf(path) === `nixseal-${host}`);
}

/**
 * Null when it cannot be told: a manifest that is not in the store here, or more than one, as specialisations make. Errors are those of
 * `parseManifest`.
 */
export async function secretChanges(
  tree: StoreTree,
  before: readonly StorePath[],
  after: readonly StorePath[],
): Promise<SecretChanges | null> {
  if (before.length > 1 || after.length > 1) return null;
  if (before[0] === after[0]) return { added: [], removed: [], changed: [], moved: [] };
  const [was, is] = [await readSecrets(tree, before[0]), await readSecrets(tree, after[0])];
  return was === null || is === null ? null : compareSecrets(was, is);
}

async function readSecrets(
  tree: StoreTree,
  directory: StorePath | undefined,
): Promise<Manifest["secrets"] | null> {
  if (directory === undefined) return [];
  const file = `${directory}/manifest.json`;
  if ((await tree.resolve(file)) === null) return null;
  return parseManifest(await tree.read(file, manifestLimits.bytes), { file }).secrets;
}

export function compareSecrets(
  before: readonly ManifestSecret[],
  after: readonly ManifestSecret[],
): SecretChanges {
  const was = new Map(before.map((secret) => [secret.name, secret]));
  const is = new Map(after.map((secret) => [secret.name, secret]));
  const both = after.filter(({ name }) => was.has(name));
  const placeOf = (secret: ManifestSecret): string => JSON.stringify({ ...secret, digest: "" });
  const hasChanged = ({ name, digest }: ManifestSecret): boolean => was.get(name)!.digest !== digest;
  const names = (secrets: readonly ManifestSecret[]): string[] => secrets.map(({ name }) => name);
  return {
    added: names(after.filter(({ name }) => !was.has(name))),
    removed: names(before.filter(({ name }) => !is.has(name))),
    changed: names(both.filter((secret) => hasChanged(secret))),
    moved: names(
      both.filter((secret) => !hasChanged(secret) && placeOf(was.get(secret.name)!) !== placeOf(secret)),
    ),
  };
}
