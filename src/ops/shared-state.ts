import { join } from "node:path";
import { NixsealError } from "../core/errors.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { TlsIdentity } from "../core/http-ports.ts";
import type { SharedState } from "../inventory/model.ts";
import { etcdState } from "../state/etcd-state.ts";
import { filesState } from "../state/files-state.ts";
import type { State } from "../state/state.ts";
import type { OpenFleet } from "./fleet-context.ts";
import type { Context } from "./op.ts";
import { fleetName } from "./trust/root-flags.ts";

type World = Pick<Context, "files" | "environment" | "https" | "clock">;

const largestPem = 1 << 20;

/** What the operators of the fleet share, where `[state]` of fleet.toml says; default: below the user's own state directory (XDG). */
export async function openState(context: World, { directory, fleet }: OpenFleet): Promise<State> {
  const { files, environment, https, clock } = context;
  const name = fleetName(fleet);
  if (fleet.state?.kind === "etcd") {
    const identity = await identityOf(context, directory, fleet.state, name);
    return etcdState(https, clock, {
      endpoints: fleet.state.endpoints,
      identity,
      prefix: `/nixseal/${name}/`,
    });
  }
  if (fleet.state !== null) return filesState(files, fleet.state.path);
  return filesState(
    files,
    join(userDirectory(environment, "XDG_STATE_HOME", ".local/state"), "nixseal/fleets", name),
  );
}

/** Each operator has a certificate of their own: what one of them loses is revoked without the others. */
async function identityOf(
  { files, environment }: World,
  directory: string,
  { authorities }: SharedState & { kind: "etcd" },
  fleet: string,
): Promise<TlsIdentity> {
  const place = (variable: string, file: string): string =>
    environment.get(variable) ??
    join(userDirectory(environment, "XDG_CONFIG_HOME", ".config"), "nixseal/etcd", `${fleet}.${file}`);
  const keyFile = place("NIXSEAL_ETCD_KEY", "key");
  const read = async (path: string): Promise<Uint8Array> => files.read(path, { limit: largestPem });
  const status = await files.status(keyFile);
  if (status !== null && (status.mode & 0o077) !== 0)
    throw new NixsealError("refused", "others may read the private key for etcd", {
      hint: `chmod 600 '${keyFile}'`,
      where: { file: keyFile },
    });
  return {
    authorities: await read(join(directory, authorities)),
    certificate: await read(place("NIXSEAL_ETCD_CERTIFICATE", "pem")),
    key: new SecretValue(await read(keyFile)),
  };
}

function userDirectory(environment: World["environment"], variable: string, below: string): string {
  const configured = environment.get(variable);
  if (configured?.startsWith("/") === true) return configured;
  const home = environment.get("HOME");
  if (home?.startsWith("/") === true) return join(home, below);
  throw new NixsealError("config", "there is no home directory to keep state in", {
    hint: `set HOME or ${variable}, or a directory in [state] of fleet.toml`,
  });
}
