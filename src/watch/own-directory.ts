import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { ensureTrustedDirectory } from "../secrets/install/trusted-path.ts";

/** Makes a directory of ours where it is missing. `path` is without the prefix. Throws `refused` when others can change it. */
export async function ownDirectory(
  files: Pick<Files, "status" | "statusOfLink" | "readLink" | "makeDirectory">,
  root: string,
  path: string,
): Promise<void> {
  const found = await ensureTrustedDirectory(files, root, path);
  if (found.trusted && found.path === `${root}${path}` && found.status.kind === "directory") return;
  throw new NixsealError("refused", "others can change this directory, or it is a symlink", {
    hint: `it must be root's own: chown root '${found.path}' and chmod go-w '${found.path}'`,
    where: { file: `${root}${path}` },
  });
}
