import { join } from "node:path";
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Files, FileStatus } from "../core/file-ports.ts";
import type { Environment } from "../core/ports.ts";

export type StateFiles = Pick<
  Files,
  "read" | "statusOfLink" | "status" | "makeDirectory" | "writeAtomic" | "lock"
>;

const maximumFile = 4 << 20;

/**
 * What this verifier remembers from run to run, outside of every repository: `nixseal/trust` in the user's state
 * directory (XDG). What lies in a repository's directory comes and goes with it, in a copy, a cache or an archive of
 * somebody else's; what lies here is for every clone. Trust in it ends at the user's account: whoever can write here as
 * that user can as well replace this program. What others could have written is not believed.
 */
export class StateDirectory {
  readonly #files: StateFiles;
  readonly path: string;
  readonly #owner: number;

  private constructor(files: StateFiles, path: string, owner: number) {
    this.#files = files;
    this.path = path;
    this.#owner = owner;
  }

  /** Null where there is no home: services without one remember nothing. */
  static async open(files: StateFiles, environment: Environment): Promise<StateDirectory | null> {
    const configured = environment.get("XDG_STATE_HOME");
    const home = environment.get("HOME");
    const base =
      configured?.startsWith("/") === true
        ? configured
        : home?.startsWith("/") === true
          ? join(home, ".local/state")
          : null;
    const self = await files.status("/proc/self"); // Linux: its owner is who we are
    if (base === null || self === null) return null;
    const [current, former] = [join(base, "nixseal/trust"), join(base, "nixseal/commits")];
    // Named so by earlier versions: what was remembered there stays remembered.
    const isFormer =
      (await files.statusOfLink(current)) === null && (await files.statusOfLink(former)) !== null;
    return new StateDirectory(files, isFormer ? former : current, self.uid);
  }

  /** The document, or null when there is none. `refused` when somebody else could have written it. */
  async read(name: string): Promise<unknown> {
    const path = join(this.path, name);
    const status = await this.#files.statusOfLink(path);
    if (status === null) return null;
    this.#requireOurs(this.path, await this.#files.statusOfLink(this.path), "directory");
    this.#requireOurs(path, status, "file");
    const bytes = await this.#files.read(path, { limit: maximumFile, follow: false });
    try {
      return JSON.parse(utf8Text(bytes, path));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw this.damaged(name, cause);
    }
  }

  async write(name: string, document: Json): Promise<void> {
    await this.#prepare();
    await this.#files.writeAtomic(join(this.path, name), utf8(canonicalJson(document)), { mode: 0o600 });
  }

  /** One writer at a time, for what is read, changed and written back. */
  async locked<T>(purpose: string, work: () => Promise<T>): Promise<T> {
    await this.#prepare();
    const lock = await this.#files.lock(join(this.path, "lock"), { wait: 30_000, purpose });
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  damaged(name: string, cause?: unknown): NixsealError {
    return new NixsealError("malformed", "the remembered state cannot be read", {
      where: { file: join(this.path, name) },
      hint: "remove the file, if you know why it is damaged",
      cause,
    });
  }

  async #prepare(): Promise<void> {
    await this.#files.makeDirectory(this.path, { mode: 0o700, parents: true });
    this.#requireOurs(this.path, await this.#files.statusOfLink(this.path), "directory");
  }

  #requireOurs(path: string, status: FileStatus | null, kind: "file" | "directory"): void {
    const ours = status?.kind === kind && status.uid === this.#owner && (status.mode & 0o022) === 0;
    if (ours) return;
    throw new NixsealError("refused", `${path} could have been written by somebody else`, {
      hint: `it must be a ${kind} of your own that only you can write; look who made it, then remove it`,
      where: { file: path },
    });
  }
}
