/** Keeps what came in for a warrant from being collected before it is activated. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { baseNameOf, type StorePath } from "../../nix/store-path.ts";
import type { GatePaths } from "../paths.ts";

export interface GcRootPorts {
  readonly files: Pick<
    Files,
    "list" | "makeDirectory" | "readLink" | "removeTree" | "statusOfLink" | "symlink"
  >;
}

/**
 * `incoming/DIGEST/NAME` below the gate's roots: a link for each path, since the system that refers to them all comes last. A link to
 * what is not there yet is no harm.
 */
export class GcRoots {
  readonly #files: GcRootPorts["files"];
  readonly #directory: string;

  constructor({ files }: GcRootPorts, { gcroots }: Pick<GatePaths, "gcroots">) {
    this.#files = files;
    this.#directory = join(gcroots, "incoming");
  }

  /** `digest` is the warrant's. */
  async keep(digest: string, path: StorePath): Promise<void> {
    const directory = join(this.#directory, digest);
    const link = () => this.#files.symlink(path, join(directory, baseNameOf(path)));
    try {
      await link().catch(async (error: unknown) => {
        if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
        // The first, or another connection has swept it away meanwhile.
        await this.#files.makeDirectory(directory, { mode: 0o755, parents: true });
        await link();
      });
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
    }
  }

  /** Lets go of what came for warrants that are neither offered nor active any more. */
  async sweep(current: readonly string[]): Promise<void> {
    if ((await this.#files.statusOfLink(this.#directory)) === null) return;
    for (const digest of await this.#files.list(this.#directory))
      if (!current.includes(digest)) await this.#files.removeTree(join(this.#directory, digest));
  }
}
