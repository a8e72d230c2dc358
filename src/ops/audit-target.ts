import { basename, resolve } from "node:path";
import { directoryTarget, fileTarget } from "../audit/target/directory-target.ts";
import { gitTarget, isGitAddress } from "../audit/target/git-target.ts";
import type { Target } from "../audit/target/target.ts";
import { NixsealError } from "../core/errors.ts";
import type { Context } from "./op.ts";

/** Opens what the person named: a directory, a file, a bare repository, or the address of one. */
export async function openTarget(context: Context, name: string): Promise<Target> {
  const { files, workingDirectory } = context;
  const path = resolve(workingDirectory, name);
  const kind = (await files.status(path))?.kind;
  if (kind === undefined && isGitAddress(name)) return gitTarget(context, name);
  if (kind === "directory")
    return (await isBareRepository(files, path))
      ? gitTarget(context, `file://${encodeURI(path)}`)
      : directoryTarget(files, path);
  if (kind === "file") return fileTarget(files, path);
  throw new NixsealError("not-found", "there is nothing to audit", {
    hint: "name a directory, a flake.lock, or the address of a git repository",
    where: { file: name },
  });
}

async function isBareRepository(files: Context["files"], path: string): Promise<boolean> {
  if (basename(path) === ".git") return true;
  const kinds = await Promise.all(
    ["HEAD", "objects", "refs", ".git"].map(
      async (name) => (await files.statusOfLink(`${path}/${name}`))?.kind,
    ),
  );
  return (
    kinds[0] === "file" && kinds[1] === "directory" && kinds[2] === "directory" && kinds[3] === undefined
  );
}
