/** Where values that were pushed lie on the host: beside the gate's state, root's alone. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { readChecked, writeChecked } from "../gate/checked-file.ts";
import type { PushedStore } from "../secrets/install/begin.ts";
import { resolveTrusted } from "../secrets/install/trusted-path.ts";
import {
  formatPushed,
  nothingPushed,
  parsePushed,
  pushedFile,
  pushedLimit,
  type Pushed,
} from "../secrets/pushed.ts";

const place = "/var/lib/nixseal/secrets";

/** Null where nothing was ever pushed. `refused` where others could write there; `malformed` for a list that is damaged. */
export async function readPushed(files: Files, root: string): Promise<PushedStore | null> {
  const found = await resolveTrusted(files, root, place);
  if (found.missing.length > 0) return null;
  if (!found.trusted || found.status.kind !== "directory")
    throw new NixsealError("refused", "others can change the pushed values", {
      hint: `chown root '${found.path}' and chmod go-w '${found.path}'`,
      where: { file: found.path },
    });
  const directory = found.path;
  const values = await readChecked(files, listOf(directory), pushedLimit, parsePushed);
  return { directory, values: values ?? nothingPushed };
}

/** As `readPushed`; the directory is made where there is none. */
export async function openPushed(files: Files, root: string): Promise<PushedStore> {
  const there = await readPushed(files, root);
  if (there !== null) return there;
  await files.makeDirectory(`${root}${place}`, { mode: 0o700, parents: true });
  return (await readPushed(files, root))!;
}

/** Named by what is in them: nothing refers to them before `writePushed`. */
export async function writeCiphertexts(
  files: Pick<Files, "writeAtomic" | "sync">,
  directory: string,
  ciphertexts: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [digest, bytes] of ciphertexts)
    await files.writeAtomic(pushedFile(directory, digest), bytes, { mode: 0o600, syncDirectory: false });
  await files.sync(directory);
}

/** From here on these values count, also after a power cut. */
export async function writePushed(
  files: Pick<Files, "writeAtomic">,
  directory: string,
  values: Pushed,
): Promise<void> {
  await writeChecked(files, listOf(directory), formatPushed(values));
}

/** Ciphertexts that nothing refers to any more, and what a killed run left half written. */
export async function sweepPushed(
  files: Pick<Files, "list" | "remove">,
  { directory, values }: PushedStore,
): Promise<void> {
  const kept = new Set(["pushed.json", ...values.values.map(({ digest }) => `${digest}.age`)]);
  for (const name of await files.list(directory))
    if (!kept.has(name)) await files.remove(`${directory}/${name}`);
}

function listOf(directory: string): string {
  return `${directory}/pushed.json`;
}
