/** A closure as the Nix that is installed tells it: from the machine's store, or from another with `--store`. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Processes } from "../../core/ports.ts";
import { parsePathInfos, type PathInfo } from "../../nix/path-info.ts";
import { storeDirectoryOf, type StorePath } from "../../nix/store-path.ts";
import { closureAmong, knownPaths, type Closure } from "./closure.ts";

export interface LocalStore {
  /** As Nix takes it: a directory (a chroot store), a URL; null for the machine's own. */
  readonly store: string | null;
  /** Where Nix was told that its stores are; passed on, since children get few variables. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Evaluating nothing and building nothing, even a large closure takes seconds. */
const patience = 5 * 60_000;
const largest = 256 << 20;
const toplevelsAtOnce = 500;

/** What the store's database says of the toplevels and all they need. `not-found` when one is not there. */
export async function queryClosure(
  processes: Pick<Processes, "run">,
  { store, environment }: LocalStore,
  ...toplevels: readonly [StorePath, ...StorePath[]]
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
      ...toplevels,
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
  return parsePathInfos(utf8Text(stdout, "the output of nix path-info"), storeDirectoryOf(toplevels[0]));
}

/** To be signed: the person who signs trusts this store as they trust the machine that they sign on. */
export async function closureFromStore(
  processes: Pick<Processes, "run">,
  store: LocalStore,
  toplevel: StorePath,
): Promise<Closure> {
  const closures = await closuresFromStore(processes, store, [toplevel]);
  return closures.get(toplevel)!;
}

/** The same for a fleet: Nix is started once for hundreds of hosts, and tells once what they have in common. */
export async function closuresFromStore(
  processes: Pick<Processes, "run">,
  store: LocalStore,
  toplevels: readonly StorePath[],
): Promise<Map<StorePath, Closure>> {
  const closures = new Map<StorePath, Closure>();
  const distinct = [...new Set(toplevels)];
  for (let from = 0; from < distinct.length; from += toplevelsAtOnce) {
    const [first, ...others] = distinct.slice(from, from + toplevelsAtOnce);
    const infos = await queryClosure(processes, store, first!, ...others);
    const derivers = new Map(infos.map(({ path, deriver }) => [path, deriver]));
    const known = knownPaths(infos);
    for (const toplevel of [first!, ...others])
      closures.set(toplevel, closureAmong(toplevel, known, derivers.get(toplevel) ?? null));
  }
  return closures;
}
