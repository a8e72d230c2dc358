import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { formatBundle } from "../../audit/advisories/feed/bundle.ts";
import { envelopeLimit } from "../../audit/advisories/feed/envelope.ts";
import { layerName } from "../../audit/advisories/feed/source.ts";
import { readSeen } from "../../audit/advisories/feed/store.ts";

/**
 * The feed as it was accepted here, with every root that this machine knows, so that a host that is several behind can
 * follow. Who takes it checks all of it again.
 */
export async function bundleOfState(
  files: Pick<Files, "read" | "status" | "list">,
  directory: string,
): Promise<Uint8Array> {
  const seen = await readSeen(files, directory);
  if (seen === null || seen.expires === null)
    throw new NixsealError("not-found", "there are no advisories yet", {
      hint: "fetch them with 'nixseal advisories update'",
    });
  const { snapshot, targets, critical } = seen.versions;
  const roots = (await files.list(directory)).filter((name) => /^[0-9]+\.root\.json$/.test(name));
  const named = [
    ...roots,
    `${critical?.version}.critical.json`,
    `${snapshot?.version}.snapshot.json`,
    `${targets?.version}.targets.json`,
    "timestamp.json",
  ].map((name) => ({ name, limit: envelopeLimit }));
  const layers = seen.layers.map(({ digest, length }) => ({ name: layerName(digest), limit: length }));
  const contents = [];
  for (const { name, limit } of [...named, ...layers])
    contents.push({ name, bytes: await files.read(`${directory}/${name}`, { limit }) });
  return formatBundle(contents);
}
