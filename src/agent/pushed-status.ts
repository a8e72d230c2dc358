import type { Json } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Gate } from "../gate/activate/gate.ts";
import { layoutOf } from "../secrets/install/layout.ts";
import { installedManifest } from "../secrets/install/read-status.ts";
import { readManifest } from "../secrets/manifest-check.ts";
import { readPushed } from "./pushed-values.ts";

/**
 * What the sender of the next order needs to know: its number, and what each secret has now. A part of `status`, which must say the rest
 * whatever is wrong here. Null where nothing can be pushed.
 */
export async function pushedStatus(gate: Gate, root: string): Promise<Json> {
  try {
    return await knownOf(gate, root);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return { problem: error.message };
  }
}

async function knownOf({ files, config }: Gate, root: string): Promise<Json> {
  const installed = await installedManifest(files, layoutOf(root));
  if (installed === null || config.mode !== "warrants") return null;
  const { manifest } = await readManifest(files, installed.file);
  const store = await readPushed(files, root);
  const values = manifest.secrets.filter(({ stage }) => stage === "default");
  return {
    seq: store?.values.seq ?? 0,
    // What is in place, not what ought to be: after a cut-off push it is sent again.
    values: Object.fromEntries(values.map(({ name }) => [name, installed.digests.get(name) ?? null])),
  };
}
