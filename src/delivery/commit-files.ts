import { join, normalize } from "node:path";
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { ReadLimit } from "../core/file-ports.ts";
import { gitFailed, type Git } from "../trust/commits/git.ts";
import type { FileReader } from "../trust/root/store.ts";

/** The files of a commit in a repository of our own, where git hashed every object when it came. Nothing is checked out. */
export class CommitFiles implements FileReader {
  readonly #git: Git;
  readonly #commit: string;
  readonly #below: string;

  /** `below`: the directory that paths are relative to. */
  constructor(git: Git, commit: string, below: string) {
    this.#git = git;
    this.#commit = commit;
    this.#below = below;
  }

  async read(path: string, { limit }: ReadLimit): Promise<Uint8Array> {
    const entry = await this.statusOfLink(path);
    if (entry === null)
      throw new NixsealError("not-found", "there is no such file in the commit", { where: { file: path } });
    // A symlink would lead to what its target says, out of the tree too.
    if (entry.type !== "blob" || entry.mode === "120000")
      throw new NixsealError("refused", "is no regular file in the commit", { where: { file: path } });
    const { code, stdout, stderr } = await this.#git.run(["cat-file", "blob", entry.id], limit);
    if (code !== 0) throw gitFailed("cat-file", stderr);
    return stdout;
  }

  async statusOfLink(path: string): Promise<{ mode: string; type: string; id: string } | null> {
    const [entry] = await this.#tree(this.#place(path));
    return entry ?? null;
  }

  /** Names of a directory; none when it is not there. */
  async list(directory: string): Promise<string[]> {
    return (await this.#tree(`${this.#place(directory)}/`)).map(({ name }) => name);
  }

  async #tree(path: string) {
    const args = ["--literal-pathspecs", "ls-tree", "-z", this.#commit, "--", path];
    const { code, stdout, stderr } = await this.#git.run(args, 64 << 20);
    if (code !== 0) throw gitFailed("ls-tree", stderr);
    return utf8Text(stdout, "git's output")
      .split("\0")
      .flatMap((line) => {
        const [, mode, type, id, name] = /^(\d{6}) (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
        return mode === undefined ? [] : [{ mode, type: type!, id: id!, name: name!.split("/").at(-1)! }];
      });
  }

  #place(path: string): string {
    return normalize(join(this.#below, path));
  }
}
