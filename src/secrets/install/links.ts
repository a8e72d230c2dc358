import { basename, dirname } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { isWithin, secretsDirectory } from "../manifest-fields.ts";
import { failureOf, type Failure } from "./failure.ts";
import type { InstalledSecret } from "./generation-index.ts";
import { basePath } from "./layout.ts";
import { ensureTrustedDirectory, resolveTrusted } from "./trusted-path.ts";

/** Makes the symlinks of secrets that appear outside of our tree; gives those that could not be made. */
export async function ensureLinks(
  files: Files,
  root: string,
  secrets: readonly InstalledSecret[],
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const { name, path } of secrets) {
    if (isWithin(path, basePath)) continue;
    try {
      await ensureLink(files, root, path, name);
    } catch (error) {
      failures.push(failureOf(name, error));
    }
  }
  return failures;
}

/** Removes what is still our symlink of these paths; gives warnings for those that cannot be looked at. */
export async function removeLinks(files: Files, root: string, paths: readonly string[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const path of paths) {
    if (isWithin(path, basePath)) continue;
    try {
      const parent = await resolveTrusted(files, root, dirname(path));
      const link = `${parent.path}/${basename(path)}`;
      if (parent.missing.length === 0 && (await isOurs(files, link))) await files.remove(link);
    } catch (error) {
      const { message } = failureOf(path, error);
      warnings.push(`the former symlink '${path}' stays: ${message}`);
    }
  }
  return warnings;
}

/**
 * The parent may belong to the service that reads the secret, since only entries in it are touched, by name, and
 * neither symlink(2) nor rename(2) follow the last part. Everything above it must be root's alone.
 */
async function ensureLink(files: Files, root: string, path: string, name: string): Promise<void> {
  const parent = await ensureTrustedDirectory(files, root, dirname(path));
  const link = `${parent.path}/${basename(path)}`;
  const target = `${secretsDirectory}/${name}`;
  const status = await files.statusOfLink(link);
  if (status !== null) {
    if (!(await isOurs(files, link)))
      throw new NixsealError("conflict", "something else is there, and is left as it is", {
        hint: `move '${path}' away, or give the secret another path`,
        where: { file: link },
      });
    if ((await files.readLink(link)) === target) return;
  }
  const temporary = `${parent.path}/.${basename(path).slice(0, 200)}.nixseal`;
  if (await isOurs(files, temporary)) await files.remove(temporary); // left by a killed run
  await files.symlink(target, temporary);
  await files.rename(temporary, link);
}

/** A symlink into our tree: nobody else has a reason to make one. */
async function isOurs(files: Files, link: string): Promise<boolean> {
  if ((await files.statusOfLink(link))?.kind !== "symlink") return false;
  return (await files.readLink(link)).startsWith(`${secretsDirectory}/`);
}
