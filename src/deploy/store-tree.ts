/** The files of a Nix store, also of one that lies elsewhere than its paths say (a chroot store). */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";

const mostLinks = 40; // as the kernel (path_resolution(7))

/**
 * Looks at what is below a store's directory as chroot(2) would: a link in a chroot store names a place of the host, not
 * of this machine. What leads out of the store is not there; `/dev/null` alone is, as systemd masks units by it. What was looked up
 * is remembered: store paths do not change.
 */
export class StoreTree {
  readonly #files: Pick<Files, "list" | "read" | "readLink" | "statusOfLink">;
  readonly #root: string;
  readonly #store: string;
  readonly #known = new Map<string, string | null>();

  /** `root`: the directory of a chroot store; empty for this machine's own. */
  constructor(
    files: Pick<Files, "list" | "read" | "readLink" | "statusOfLink">,
    root: string,
    storeDirectory: string,
  ) {
    this.#files = files;
    this.#root = root;
    this.#store = storeDirectory;
  }

  /** Without symlinks, as a path of the store; null where nothing of the store is. */
  async resolve(path: string, links = 0): Promise<string | null> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const found = await this.#look(path, links);
    // Not while it is looked up: a link to itself would wait for itself.
    this.#known.set(path, found);
    return found;
  }

  async #look(path: string, links: number): Promise<string | null> {
    if (path === "/dev/null" || path === this.#store) return path;
    const at = path.lastIndexOf("/");
    if (!path.startsWith(`${this.#store}/`) || links > mostLinks) return null;
    const directory = await this.resolve(path.slice(0, at), links);
    if (directory === null || directory === "/dev/null") return null;
    const here = `${directory}/${path.slice(at + 1)}`;
    const status = await this.#files.statusOfLink(this.#root + here);
    if (status?.kind !== "symlink") return status === null ? null : here;
    const target = await this.#files.readLink(this.#root + here);
    return this.resolve(
      target.startsWith("/") ? spelled(target) : spelled(`${directory}/${target}`),
      links + 1,
    );
  }

  /** The text of the link itself; null when it is none. */
  async linkText(path: string): Promise<string | null> {
    const at = path.lastIndexOf("/");
    const directory = await this.resolve(path.slice(0, at));
    if (directory === null) return null;
    const here = this.#root + directory + path.slice(at);
    return (await this.#files.statusOfLink(here))?.kind === "symlink" ? this.#files.readLink(here) : null;
  }

  /** Names; empty where there is no directory. */
  async list(path: string): Promise<string[]> {
    const resolved = await this.resolve(path);
    if (resolved === null || resolved === "/dev/null") return [];
    const status = await this.#files.statusOfLink(this.#root + resolved);
    return status?.kind === "directory" ? this.#files.list(this.#root + resolved) : [];
  }

  /** `not-found` where no file of the store is. */
  async read(path: string, limit: number): Promise<Uint8Array> {
    const resolved = await this.resolve(path);
    if (resolved === null || resolved === "/dev/null")
      throw new NixsealError("not-found", "no file of the store", { where: { file: path } });
    return this.#files.read(this.#root + resolved, { limit, follow: false });
  }
}

/** Without `.` and `..`, by the text alone: within a store's paths no directory on the way is a link that leads elsewhere. */
function spelled(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
