/** Which order of a fleet's is the newest for a host: of its own sequence, or of a group that the root puts it into. */
import type { Candidate } from "../../inventory/selector-entry.ts";
import type { Root } from "../root/root.ts";
import { isIn } from "./decide.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import type { Subject } from "./model.ts";
import { newestWarrant, type WarrantReader } from "./store.ts";

/**
 * The one that begins last, whoever has signed it: a host refuses what begins before the newest order that it accepted, in
 * whichever sequence. Of two that begin together the host's own. Null when there is none.
 */
export async function newestFor(
  files: WarrantReader,
  directory: string,
  root: Root,
  host: Candidate,
): Promise<WarrantEnvelope | null> {
  const subjects: Subject[] = [{ kind: "host", name: host.name }];
  for (const group of [...root.groups.keys()].toSorted())
    if (isIn(root, group, host)) subjects.push({ kind: "group", name: group });
  let newest: WarrantEnvelope | null = null;
  for (const subject of subjects) {
    const found = await newestWarrant(files, directory, subject);
    if (found !== null && (newest === null || found.warrant.notBefore > newest.warrant.notBefore))
      newest = found;
  }
  return newest;
}
