/** A closure as the Nix that is installed tells it: from the machine's store, or from another with `--store`. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Processes } from "../../core/ports.ts";
import { parsePathInfos, type PathInfo } from "../../nix/path-info.ts";
import { storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { closureOf, type Closure } from "./closure.ts";

export interface LocalStore {
  /** As Nix takes it: a directory (a chroot store), a URL; null for the machine's own. */
  readonly store: string | null;
  /** Where Nix was told that its stores are; passed on, since children get few variables. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Evaluating nothing and building nothing, even a large closure takes seconds. */
const patience = 5 * 60_000;
const largest = 256 << 20;

/** What the store's database says of the toplevel and all it needs. `not-found` when the path is not there. */
export async function queryClosure(
  processes: Pick<Processes, "run">,
  { store, environment }: LocalStore,
  toplevel: StorePath,
): Promise<PathInfo[]> {
  const { code, stdout, stderr } = await processes.run({
    program: "nix",
    args: [
      "--extra-experimental-features",
      "nix-command",
      "path-info",
      "--json",
      "--recursive",
      "--offline", // a path that is missing is not looked for elsewhere: what is signed is what is here
      ...(store === null ? [] : ["--store", store]),
      "--",
      toplevel,
    ],
    env: environment,
    timeout: patience,
    maxOutput: largest,
  });
  if (code !== 0) {
    const said = stderr.trim().split("\n").at(-1)!.trim();
    const gone = /is not valid|does not exist|not known/.test(said);
    throw new NixsealError(gone ? "not-found" : "tool", `nix path-info failed: ${said}`, {
      hint: gone ? "build it, or name the store that has it: --store, --cache" : undefined,
    });
  }
  return parsePathInfos(utf8Text(stdout, "the output of nix path-info"), storeDirectoryOf(toplevel));
}

/** To be signed: the person who signs trusts this store as they trust the machine that they sign on. */
export async function closureFromStore(
  processes: Pick<Processes, "run">,
  store: LocalStore,
  toplevel: StorePath,
): Promise<Closure> {
  const infos = await queryClosure(processes, store, toplevel);
  const deriver = infos.find(({ path }) => path === toplevel)?.deriver ?? null;
  return closureOf(toplevel, infos, deriver);
}
