/** The new system of each host: built now, or named by the person. */
import { join, resolve } from "node:path";
import type { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import { evaluate, realise, type Configuration, type NixWorld } from "../../deploy/build.ts";
import { inParallel } from "../../deploy/rollout.ts";
import type { Host } from "../../inventory/model.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Context } from "../op.ts";
import { localStore, storeDirectory, toplevelPath } from "../warrant/nix-store.ts";
import { filled } from "./checks.ts";
import type { systemFlags } from "./flags.ts";

export type SystemChoice = z.output<z.ZodObject<typeof systemFlags>>;

export interface Systems {
  readonly of: ReadonlyMap<string, StorePath>;
  /** The store that has them, as `nix --store` takes it, with `{host}` and `{address}` for each host's; null for this machine's. */
  readonly store: string | null;
}

/** The store that has the system of this host. */
export function storeFor(store: string | null, host: Host): string | null {
  return store === null ? null : filled(store, host);
}

/** As the person, with their own ssh, each on the machine that it is for. */
const target = "ssh-ng://{address}";

export function builderOf(given: Pick<SystemChoice, "builder" | "buildOnTarget">): string | null {
  if (!given.buildOnTarget) return given.builder ?? null;
  if (given.builder === undefined) return target;
  throw new NixsealError("usage", "--builder and --build-on-target exclude each other", {
    hint: `--build-on-target is --builder '${target}'`,
  });
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
    const other = [given.flake, given.file, builderOf(given) ?? undefined].some((one) => one !== undefined);
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
  const builder = builderOf(given);
  return { of: await buildAll(world, hosts, derivations, builder), store: builder };
}

/** Builders at once: each is a machine of its own. */
const buildersAtOnce = 16;

async function buildAll(
  world: NixWorld,
  hosts: readonly Host[],
  derivations: ReadonlyMap<string, StorePath>,
  builder: string | null,
): Promise<Map<string, StorePath>> {
  const groups = new Map<string | null, string[]>();
  for (const host of hosts) {
    const where = storeFor(builder, host);
    groups.set(where, [...(groups.get(where) ?? []), host.name]);
  }
  const found = new Map<string, StorePath>();
  await inParallel([...groups], buildersAtOnce, async ([where, names]) => {
    const built = await realise(
      world,
      names.map((name) => derivations.get(name)!),
      where,
    );
    names.forEach((name, index) => found.set(name, built[index]!));
  });
  return found;
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
