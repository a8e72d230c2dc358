/** The new system of each host: built now, or named by the person. */
import { join, resolve } from "node:path";
import type { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { evaluate, realise, type Configuration, type NixWorld } from "../../deploy/build.ts";
import type { Host } from "../../inventory/model.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Context } from "../op.ts";
import { localStore, storeDirectory, toplevelPath } from "../warrant/nix-store.ts";
import type { systemFlags } from "./flags.ts";

export type SystemChoice = z.output<z.ZodObject<typeof systemFlags>>;

export interface Systems {
  readonly of: ReadonlyMap<string, StorePath>;
  /** The store that has them, as `nix --store` takes it; null for this machine's. */
  readonly store: string | null;
}

export function nixWorld(context: Context): NixWorld {
  const { environment } = localStore(context, undefined);
  return { processes: context.processes, environment, storeDirectory: storeDirectory(context) };
}

export async function systemsOf(
  context: Context,
  directory: string,
  hosts: readonly Host[],
  given: SystemChoice,
): Promise<Systems> {
  if (given.toplevel.length > 0) {
    const other = [given.flake, given.file, given.builder].some((one) => one !== undefined);
    if (other)
      throw new NixsealError("usage", "--toplevel names what is built already", {
        hint: "leave out --flake, --file and --builder",
      });
    return {
      of: await namedSystems(context, hosts, given.toplevel),
      store: localStore(context, given.store).store,
    };
  }
  if (given.store !== undefined)
    throw new NixsealError("usage", "--store goes with --toplevel", { hint: "--builder builds elsewhere" });
  const configuration = await configurationOf(context, directory, given);
  const world = nixWorld(context);
  const names = hosts.map(({ name }) => name);
  const say = (done: number): void =>
    context.emit({ type: "progress", task: "evaluating", done, total: names.length, unit: "hosts" });
  const derivations = await evaluate(world, configuration, names, say);
  context.emit({
    type: "step",
    message: `building ${names.length === 1 ? "a system" : `${names.length} systems`}`,
  });
  const built = await realise(world, [...derivations.values()], given.builder ?? null);
  return {
    of: new Map([...derivations.keys()].map((name, index) => [name, built[index]!])),
    store: given.builder ?? null,
  };
}

async function configurationOf(
  { files, workingDirectory }: Pick<Context, "files" | "workingDirectory">,
  directory: string,
  { flake, file }: SystemChoice,
): Promise<Configuration> {
  if (flake !== undefined && file !== undefined)
    throw new NixsealError("usage", "--flake and --file exclude each other");
  if (file !== undefined) return { kind: "file", path: resolve(workingDirectory, file) };
  if (flake !== undefined) return { kind: "flake", reference: flake };
  if ((await files.status(join(directory, "flake.nix"))) !== null)
    return { kind: "flake", reference: directory };
  throw new NixsealError("usage", "there is nothing to build: no flake.nix beside fleet.toml", {
    hint: "name it: --flake REF, --file FILE, or --toplevel HOST=PATH for what is built already",
  });
}

async function namedSystems(
  context: Context,
  hosts: readonly Host[],
  words: readonly string[],
): Promise<Map<string, StorePath>> {
  const found = new Map<string, StorePath>();
  for (const word of words) {
    const at = word.indexOf("=");
    const alone = at < 0 && hosts.length === 1;
    const name = alone ? hosts[0]!.name : word.slice(0, Math.max(at, 0));
    if (!hosts.some((host) => host.name === name))
      throw new NixsealError("usage", `--toplevel ${word}: '${name}' is none of the selected hosts`, {
        hint: "--toplevel HOST=PATH, once for each host",
      });
    if (found.has(name)) throw new NixsealError("usage", `--toplevel names '${name}' twice`);
    found.set(name, await toplevelPath(context, word.slice(at + 1)));
  }
  const missing = hosts.find((host) => !found.has(host.name));
  if (missing === undefined) return found;
  throw new NixsealError("usage", `--toplevel is missing for '${missing.name}'`);
}
