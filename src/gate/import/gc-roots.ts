/** Keeps what came in for a warrant from being collected before it is activated. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { baseNameOf, type StorePath } from "../../nix/store-path.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { GatePaths } from "../paths.ts";

export interface GcRootPorts {
  readonly files: Pick<
    Files,
    "list" | "makeDirectory" | "readLink" | "removeTree" | "statusOfLink" | "symlink"
  >;
}

/**
 * `incoming/DIGEST/NAME` below the gate's roots. While a connection lasts, Nix holds what came over it; links are made when it ends: one to
 * the system where that has come, since it refers to all the others, else one to each path. Who is killed before has made none:
 * what is collected then is sent again.
 */
export class GcRoots {
  readonly #files: GcRootPorts["files"];
  readonly #directory: string;
  /** What has no link yet, by the digest of its warrant. */
  readonly #came = new Map<string, Set<StorePath>>();

  constructor({ files }: GcRootPorts, { gcroots }: Pick<GatePaths, "gcroots">) {
    this.#files = files;
    this.#directory = join(gcroots, "incoming");
  }

  /** It is in the store, whoever calls this holds it, and the warrant names it. */
  keep({ digest, warrant }: Pick<WarrantEnvelope, "digest" | "warrant">, path: StorePath): void {
    const came = this.#came.get(digest) ?? new Set();
    this.#came.set(digest, came);
    if (path === warrant.toplevel) came.clear();
    came.add(path);
  }

  /** To be done before what came is held no more. */
  async link(): Promise<void> {
    for (const [digest, came] of this.#came) {
      const directory = join(this.#directory, digest);
      await this.#files.makeDirectory(directory, { mode: 0o755, parents: true });
      for (const path of came)
        await this.#files.symlink(path, join(directory, baseNameOf(path))).catch((error: unknown) => {
          if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
        });
      // Another connection to Nix that ends meanwhile is linked for too, and more may have come since.
      if (this.#came.get(digest) === came) this.#came.delete(digest);
    }
  }

  /** Lets go of what came for warrants that are neither offered nor active any more. */
  async sweep(current: readonly string[]): Promise<void> {
    if ((await this.#files.statusOfLink(this.#directory)) === null) return;
    for (const digest of await this.#files.list(this.#directory))
      if (!current.includes(digest)) await this.#files.removeTree(join(this.#directory, digest));
  }
}
