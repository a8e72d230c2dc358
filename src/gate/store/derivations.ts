/** What was built from what, as the derivations say that lie in a store. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { parseDerivation } from "../../nix/derivation-aterm.ts";
import { derivationLimits } from "../../nix/derivation.ts";
import { fromBaseName, type StorePath } from "../../nix/store-path.ts";

export interface BuildStep {
  readonly derivation: StorePath;
  /** Those whose path is known before the build. */
  readonly outputs: ReadonlyMap<string, StorePath>;
  readonly sources: readonly StorePath[];
  /** Outputs of other derivations, by name. */
  readonly inputs: ReadonlyMap<StorePath, readonly string[]>;
}

/**
 * All of them, in any order. `directory` is where the store's files are, `storeDirectory` what their paths say. One that
 * cannot be read is told to `skipped`: what it would have said is not known then.
 */
export async function* readBuildSteps(
  files: Pick<Files, "list" | "read">,
  directory: string,
  storeDirectory: string,
  skipped: (name: string, error: NixsealError) => void,
): AsyncGenerator<BuildStep> {
  for (const name of await files.list(directory)) {
    if (!name.endsWith(".drv")) continue;
    try {
      const bytes = await files.read(join(directory, name), {
        limit: derivationLimits.bytes,
        follow: false,
      });
      const { outputs, inputDerivations, inputSources } = parseDerivation(bytes, storeDirectory);
      yield {
        derivation: fromBaseName(name, storeDirectory),
        outputs: new Map(
          [...outputs].flatMap(([output, what]) => ("path" in what ? [[output, what.path] as const] : [])),
        ),
        sources: inputSources,
        inputs: new Map([...inputDerivations].map(([path, needed]) => [path, needed.outputs])),
      };
    } catch (error) {
      if (!(error instanceof NixsealError) || error.code === "bug") throw error;
      skipped(name, error);
    }
  }
}
