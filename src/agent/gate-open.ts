/** The gate of this host, as its verbs find it. */
import { at, NixsealError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import { gateConfigFile, gateConfigLimit, parseGateConfig, type GateConfig } from "../gate/config.ts";
import { gatePaths, type GatePaths } from "../gate/paths.ts";
import { resolveTrusted } from "../secrets/install/trusted-path.ts";

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
  if (!found.trusted)
    throw new NixsealError("refused", "others can change the gate's configuration", {
      hint: `chown root '${found.path}' and chmod go-w '${found.path}'`,
      where: { file: found.path },
    });
  try {
    const config = parseGateConfig(await files.read(found.path, { limit: gateConfigLimit }));
    return { config, paths: gatePaths(root, config) };
  } catch (error) {
    throw at(error, { file: found.path });
  }
}
