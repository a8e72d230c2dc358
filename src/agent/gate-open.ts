/** The gate of this host, as its verbs find it. */
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { gateConfigFile, gateConfigLimit, parseGateConfig, type GateConfig } from "../gate/config.ts";
import { gatePaths, gateState, type GatePaths } from "../gate/paths.ts";
import { resolveTrusted, type Resolved } from "../secrets/install/trusted-path.ts";

export interface OpenGate {
  readonly config: GateConfig;
  readonly paths: GatePaths;
}

/** `root` prefixes every path. `refused` when others could write the configuration, which says whom to trust. */
export async function openGate(files: Files, root: string): Promise<OpenGate> {
  const found = await resolveTrusted(files, root, gateConfigFile);
  if (found.missing.length > 0)
    throw new NixsealError("config", "this host has no gate", {
      hint: "the NixOS module or 'nixseal host setup' makes one",
      where: { file: `${root}${gateConfigFile}` },
    });
  requireTrusted(found, "the gate's configuration");
  try {
    const config = parseGateConfig(await files.read(found.path, { limit: gateConfigLimit }));
    // With either of them somebody else would say what was accepted before, and so what may follow.
    requireTrusted(await resolveTrusted(files, root, config.root), "the first root");
    requireTrusted(await resolveTrusted(files, root, gateState), "the gate's state");
    return { config, paths: gatePaths(root, config) };
  } catch (error) {
    throw at(error, { file: found.path });
  }
}

/** What is missing is not made by others either: `resolveTrusted` has looked at what is above it. */
function requireTrusted({ path, trusted }: Resolved, what: string): void {
  if (trusted) return;
  throw new NixsealError("refused", `others can change ${what}`, {
    hint: `chown root '${path}' and chmod go-w '${path}'`,
    where: { file: path },
  });
}
