import { at, NixsealError } from "../core/errors.ts";
import { gateConfigFile, gateConfigLimit, parseGateConfig, type GateConfig } from "../gate/config.ts";
import { gatePaths, type GatePaths } from "../gate/paths.ts";
import { defaultStoreDirectory } from "../nix/store-path.ts";
import type { LocalStore } from "../trust/warrant/local-store.ts";
import { rootOf } from "./root.ts";
import type { AgentContext, Values } from "./verb.ts";

/** A host with its gate, as far as it has one. */
export interface GateHost {
  /** Empty for the running system. */
  readonly root: string;
  /** Null when the host has no gate.json. */
  readonly config: GateConfig | null;
  readonly paths: GatePaths;
  readonly store: LocalStore;
  /** As paths of the store say it, and where its files lie. */
  readonly storeDirectory: string;
  readonly storeFiles: string;
  readonly profile: string;
}

const usual = {
  store: null,
  profile: "/nix/var/nix/profiles/system",
  hostKey: "/etc/ssh/ssh_host_ed25519_key",
  root: "/etc/nixseal/root.json",
  storeDirectory: defaultStoreDirectory,
};

/** By which Nix itself is told where things are, for stores in other places. */
const variables = ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOCALSTATE_DIR", "NIX_LOG_DIR", "NIX_CONFIG"];

/** Reads gate.json. One that is there and cannot be used is an error; without one the usual places are taken. */
export async function gateHost(
  { files, environment }: Pick<AgentContext, "files" | "environment">,
  values: Values,
): Promise<GateHost> {
  const root = await rootOf(files, values);
  const config = await readConfig(files, `${root}${gateConfigFile}`);
  const paths = gatePaths(root, config ?? usual);
  const { storeDirectory, profile } = config ?? usual;
  const set = variables.flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    root,
    config,
    paths,
    store: { store: paths.store, environment: Object.fromEntries(set) },
    storeDirectory,
    storeFiles: `${paths.store ?? ""}${storeDirectory}`,
    profile,
  };
}

async function readConfig(files: AgentContext["files"], file: string): Promise<GateConfig | null> {
  try {
    return parseGateConfig(await files.read(file, { limit: gateConfigLimit }));
  } catch (error) {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw at(error, { file });
  }
}
