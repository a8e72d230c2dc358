/** From a configuration to systems in a store: evaluation and realisation by the Nix that is installed, as the calling user. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Command, Processes } from "../core/ports.ts";
import { parseStorePath, type StorePath } from "../nix/store-path.ts";

export type Configuration =
  /** `.#`, `github:owner/repo#`: `nixosConfigurations.HOST` of a flake. */
  | { readonly kind: "flake"; readonly reference: string }
  /** A file whose attribute HOST is a NixOS system (or its toplevel). */
  | { readonly kind: "file"; readonly path: string };

export interface NixWorld {
  readonly processes: Pick<Processes, "run">;
  /** Where Nix was told that its stores are. */
  readonly environment: Readonly<Record<string, string>>;
  readonly storeDirectory: string;
}

/** Milliseconds. A kernel builds for hours on a slow machine. */
const patience = { evaluate: 30 * 60_000, build: 12 * 3600_000 };
/** Hosts in one evaluation: the memory of Nix's evaluator grows with each, and comes back only at its end. */
export const hostsAtOnce = 8;

const experimental = ["--extra-experimental-features", "nix-command flakes"];

/** The derivation of each host's toplevel, in the order of the hosts. Nothing is built. */
export async function evaluate(
  world: NixWorld,
  configuration: Configuration,
  hosts: readonly string[],
  onChunk: (done: number) => void,
): Promise<Map<string, StorePath>> {
  const found = new Map<string, StorePath>();
  for (let start = 0; start < hosts.length; start += hostsAtOnce) {
    const chunk = hosts.slice(start, start + hostsAtOnce);
    const drvs = await (configuration.kind === "flake"
      ? evaluateFlake(world, configuration.reference, chunk)
      : evaluateFile(world, configuration.path, chunk));
    for (const [index, host] of chunk.entries()) found.set(host, drvs[index]!);
    onChunk(found.size);
  }
  return found;
}

/** Their outputs, built or substituted, in the order of the derivations. On a builder with `store`: nothing of it is imported here. */
export async function realise(
  world: NixWorld,
  derivations: readonly StorePath[],
  builder: string | null,
): Promise<StorePath[]> {
  if (builder === null) {
    const { stdout } = await nix(world, {
      program: "nix-store",
      args: ["--realise", "--no-gc-warning", "--", ...derivations],
      timeout: patience.build,
    });
    return pathsOf(world, stdout, derivations.length);
  }
  // The caller's own ssh carries the derivations there, and no root of any machine opens a connection: what comes out
  // is believed because a warrant names its hashes, not because of who built it.
  await nix(world, {
    program: "nix",
    args: [...experimental, "copy", "--derivation", "--to", builder, "--", ...derivations],
    timeout: patience.build,
  });
  const { stdout } = await nix(world, {
    program: "nix",
    args: [...experimental, "build", "--store", builder, "--no-link", "--json", "--", ...derivations],
    timeout: patience.build,
  });
  return outputsOf(world, stdout, derivations);
}

/** Names are letters, digits and `._-`: nothing that could end the string that they stand in. */
function namesIn(hosts: readonly string[]): string {
  return `[ ${hosts.map((host) => JSON.stringify(host)).join(" ")} ]`;
}

async function evaluateFlake(
  world: NixWorld,
  reference: string,
  hosts: readonly string[],
): Promise<StorePath[]> {
  const pick = `all: builtins.map (name: (all.\${name} or (throw "nixseal: no nixosConfigurations.\${name}")).config.system.build.toplevel.drvPath) ${namesIn(hosts)}`;
  const attribute = reference.includes("#") ? reference : `${reference}#nixosConfigurations`;
  const { stdout } = await nix(world, {
    program: "nix",
    args: [...experimental, "eval", "--json", "--apply", pick, "--", attribute],
    timeout: patience.evaluate,
  });
  const value: unknown = JSON.parse(utf8Text(stdout, "the output of nix eval"));
  if (!Array.isArray(value) || value.length !== hosts.length)
    throw new NixsealError("tool", "nix eval did not give a derivation for each host");
  return value.map((path) => parseStorePath(String(path), world.storeDirectory));
}

async function evaluateFile(world: NixWorld, path: string, hosts: readonly string[]): Promise<StorePath[]> {
  const system = `all: builtins.map (name: let it = all.\${name} or (throw "nixseal: no attribute \${name}"); in (it.config.system.build.toplevel or it).drvPath) ${namesIn(hosts)}`;
  const { stdout } = await nix(world, {
    program: "nix-instantiate",
    args: [
      "--eval",
      "--strict",
      "--json",
      "--read-write-mode", // the derivations are written, as they will be built
      "--expr",
      `let given = import ${nixPath(path)}; all = if builtins.isFunction given then given { } else given; in (${system}) all`,
    ],
    timeout: patience.evaluate,
  });
  const value: unknown = JSON.parse(utf8Text(stdout, "the output of nix-instantiate"));
  if (!Array.isArray(value) || value.length !== hosts.length)
    throw new NixsealError("tool", "nix-instantiate did not give a derivation for each host");
  return value.map((drv) => parseStorePath(String(drv), world.storeDirectory));
}

/** A path as an expression that no character of it can leave. */
function nixPath(path: string): string {
  if (!path.startsWith("/")) throw new NixsealError("bug", "a path for Nix is absolute");
  return `(/. + ${JSON.stringify(path).replaceAll("${", "\\${")})`;
}

function pathsOf(world: NixWorld, stdout: Uint8Array, many: number): StorePath[] {
  const lines = utf8Text(stdout, "the output of nix-store").trim().split("\n");
  if (lines.length !== many)
    throw new NixsealError("tool", `nix-store built ${lines.length} outputs of ${many} derivations`, {
      hint: "the toplevel of a system has one output",
    });
  return lines.map((line) => parseStorePath(line, world.storeDirectory));
}

function outputsOf(world: NixWorld, stdout: Uint8Array, derivations: readonly StorePath[]): StorePath[] {
  const built = JSON.parse(utf8Text(stdout, "the output of nix build")) as readonly {
    readonly drvPath?: unknown;
    readonly outputs?: { readonly out?: unknown };
  }[];
  const outputs = new Map(built.map((one) => [String(one.drvPath), String(one.outputs?.out)]));
  return derivations.map((drv) => parseStorePath(outputs.get(drv) ?? "", world.storeDirectory));
}

async function nix(
  { processes, environment }: NixWorld,
  command: Pick<Command, "program" | "args" | "timeout">,
): Promise<{ stdout: Uint8Array }> {
  const { code, stdout, stderr } = await processes.run({ ...command, env: environment });
  if (code === 0) return { stdout };
  const lines = stderr.trim().split("\n");
  const errors = lines.filter((line) => /error:|nixseal:/.test(line));
  const said = (errors.length > 0 ? errors : lines).slice(-3).join("; ").trim().slice(0, 2000);
  throw new NixsealError("tool", `${command.program} failed: ${said}`, {
    hint: "run it by hand for the whole trace",
  });
}
