import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { parsePublicKey, type PublicKey } from "../../nix/signing-key.ts";
import { closureFromCache } from "../../trust/warrant/binary-cache.ts";
import type { Closure } from "../../trust/warrant/closure.ts";
import { closureFromStore } from "../../trust/warrant/local-store.ts";
import type { Context } from "../op.ts";
import { openTrustIfAny } from "../trust/open.ts";
import { localStore, toplevelPath } from "./nix-store.ts";

export interface WhereItIs {
  readonly toplevel: string;
  readonly store?: string | undefined;
  readonly cache?: string | undefined;
  readonly cacheKey: readonly string[];
}

/** The closure of the toplevel, from the store or the binary cache that was named. */
export async function findClosure(
  context: Context,
  directory: string,
  { toplevel, store, cache, cacheKey }: WhereItIs,
): Promise<Closure> {
  const path = await toplevelPath(context, toplevel);
  if (cache === undefined) {
    if (cacheKey.length > 0)
      throw new NixsealError("usage", "--cache-key goes with --cache", { hint: "a store is asked as it is" });
    return closureFromStore(context.processes, localStore(context, store), path);
  }
  if (store !== undefined) throw new NixsealError("usage", "--store and --cache exclude each other");
  const trust = await openTrustIfAny(context, directory);
  const keys: PublicKey[] = [...(trust?.root.upstream ?? []), ...cacheKey].map(parsePublicKey);
  return closureFromCache(context.files, cacheDirectory(context, cache), keys, path);
}

function cacheDirectory({ workingDirectory }: Pick<Context, "workingDirectory">, cache: string): string {
  if (!/^[a-z0-9+.-]+:\/\//i.test(cache)) return resolve(workingDirectory, cache);
  // As Nix reads it: what follows is a path, without percent signs that mean something.
  const local = /^file:\/\/(\/.+)$/.exec(cache)?.[1];
  if (local !== undefined) return local;
  throw new NixsealError("usage", `${cache} is not a directory or a file:// URL`, {
    hint: "copy the closure first: nix copy --from URL --to file:///DIR PATH",
  });
}
