import { secretsDirectory } from "../manifest-fields.ts";

/** The places that the installer touches, each with the prefix of `--root`. */
export interface Layout {
  /** The empty string, or the absolute path of `--root` without a slash at its end. */
  readonly root: string;
  /** Mode 0751: everybody may reach a file whose name he knows, nobody but root may look around. */
  readonly base: string;
  /** One directory a generation, named by its number. In memory that is never swapped, where that is possible. */
  readonly generations: string;
  /** The symlink to the generation that is current. Replacing it is the one step that others can see. */
  readonly current: string;
  /** A file of this name for each failed secret, with the reason. */
  readonly failed: string;
  readonly status: string;
  readonly lock: string;
  readonly temporaryLink: string;
}

/** What the base directory is called on the host, without the prefix. */
export const basePath = "/run/nixseal";

export function layoutOf(root: string): Layout {
  const base = `${root}${basePath}`;
  return {
    root,
    base,
    generations: `${base}/generations`,
    current: `${root}${secretsDirectory}`,
    failed: `${base}/failed`,
    status: `${base}/status.json`,
    lock: `${base}/lock`,
    temporaryLink: `${base}/.secrets.new`,
  };
}
