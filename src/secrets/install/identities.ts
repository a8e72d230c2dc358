import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { resolveTrusted } from "./trusted-path.ts";

/** A file with private keys. */
export interface IdentityFile {
  /** As the manifest names it. */
  readonly path: string;
  readonly content: SecretValue;
}

export interface FoundIdentities {
  readonly files: readonly IdentityFile[];
  /** Paths that do not exist (yet): a host key may be made later, or lie on a disk that is not mounted. */
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
}

const identityLimit = 1 << 20;

/**
 * Reads the host's private keys. `refused` when somebody but root could have put them there; a warning when others
 * can read them, since then the secrets are no secret to them, but refusing would take the host down too.
 */
export async function readIdentities(
  files: Files,
  root: string,
  paths: readonly string[],
): Promise<FoundIdentities> {
  const found: IdentityFile[] = [];
  const missing: string[] = [];
  const warnings: string[] = [];
  for (const path of paths) {
    const place = await resolveTrusted(files, root, path);
    if (place.missing.length > 0) {
      missing.push(path);
      continue;
    }
    if (place.status.kind !== "file")
      throw new NixsealError("refused", "the identity is not a file", { where: { file: place.path } });
    if (!place.trusted || (place.status.mode & 0o022) !== 0)
      throw new NixsealError("refused", "somebody but root can write this private key", {
        hint: `chown root '${path}' && chmod 0600 '${path}', and replace the key if it may have been exchanged`,
        where: { file: place.path },
      });
    if ((place.status.mode & 0o004) !== 0)
      warnings.push(`${path}: everybody can read this private key; chmod 0600 '${path}' and replace the key`);
    const bytes = await files.read(place.path, { limit: identityLimit, follow: false });
    found.push({ path, content: new SecretValue(bytes) });
  }
  return { files: found, missing, warnings };
}
