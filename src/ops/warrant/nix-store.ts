/** Where the verbs find Nix's stores. */
import { resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { defaultStoreDirectory, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import type { LocalStore } from "../../trust/warrant/local-store.ts";
import type { Context } from "../op.ts";

/** By which Nix itself is told where things are, for stores in other places. */
const variables = ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOCALSTATE_DIR", "NIX_LOG_DIR", "NIX_CONFIG"];

export function storeDirectory({ environment }: Pick<Context, "environment">): string {
  return environment.get("NIX_STORE_DIR") ?? environment.get("NIX_STORE") ?? defaultStoreDirectory;
}

export function localStore(
  { environment, workingDirectory }: Pick<Context, "environment" | "workingDirectory">,
  store: string | undefined,
): LocalStore {
  const isDirectory = store?.includes("/") === true && !store.includes("://");
  const set = variables.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    store: isDirectory ? resolve(workingDirectory, store) : (store ?? null),
    environment: Object.fromEntries(set),
  };
}

/** A store path, or a link to one such as `./result`. */
export async function toplevelPath(
  context: Pick<Context, "environment" | "files" | "workingDirectory">,
  text: string,
): Promise<StorePath> {
  const directory = storeDirectory(context);
  if (text.startsWith(`${directory}/`)) return parseStorePath(text, directory);
  const target = await linkTarget(context.files, resolve(context.workingDirectory, text));
  if (target.startsWith(`${directory}/`)) return parseStorePath(target, directory);
  throw new NixsealError("usage", `${text} is neither in ${directory} nor a link to a path there`, {
    hint: "give what `nix build --print-out-paths` prints, or ./result",
  });
}

/** One link is read and not followed: in another store than this machine's, what it names is not at that place. */
async function linkTarget(files: Context["files"], path: string): Promise<string> {
  const status = await files.statusOfLink(path);
  return status?.kind === "symlink" ? files.readLink(path) : files.realPath(path);
}
