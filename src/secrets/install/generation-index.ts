import { utf8, utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import * as field from "../manifest-fields.ts";
import { manifestLimits, type Stage } from "../manifest.ts";
import { list, nullable, object, oneOf, wrong, type Check } from "../../core/shape.ts";

/** A secret as it lies in a generation. */
export interface InstalledSecret {
  readonly name: string;
  readonly stage: Stage;
  /** Where it appears: our own tree, or a symlink that we made. */
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Of the ciphertext that it came from. Nothing here is computed from a value. */
  readonly digest: string;
  /** The first generation with this value. */
  readonly since: number;
}

/** What is still to do after the flip. Written with the generation, so that a kill between the two loses nothing. */
export interface Unsettled {
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  /** Symlinks of paths that nothing has any more. */
  readonly links: readonly string[];
}

/** What a generation knows of itself. Lies beside the values, readable by root only. */
export interface GenerationIndex {
  readonly version: 1;
  readonly number: number;
  readonly previous: number | null;
  /** Stages that were installed since the boot. */
  readonly stages: readonly Stage[];
  /** Sorted by name. */
  readonly secrets: readonly InstalledSecret[];
  readonly unsettled: Unsettled;
}

/** No secret's name begins with a dot. */
export const indexName = ".index.json";

const indexLimit = 16 << 20;
const most = manifestLimits.secrets;
const stage = oneOf<Stage>("default", "users");

const natural: Check<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw wrong(path, "a whole number", value);
  return value;
};

const check: Check<GenerationIndex> = object<GenerationIndex>({
  version: oneOf(1),
  number: natural,
  previous: nullable(natural),
  stages: list(stage, 2),
  secrets: list(
    object<InstalledSecret>({
      name: field.nameCheck,
      stage,
      path: field.absolutePath,
      uid: natural,
      gid: natural,
      mode: natural,
      digest: field.digestCheck,
      since: natural,
    }),
    2 * most,
  ),
  unsettled: object<Unsettled>({
    restart: list(field.unitCheck, most * manifestLimits.units),
    reload: list(field.unitCheck, most * manifestLimits.units),
    links: list(field.absolutePath, 4 * most),
  }),
});

export async function readIndex(files: Files, generation: string): Promise<GenerationIndex> {
  const path = `${generation}/${indexName}`;
  try {
    const written = utf8Text(await files.read(path, { limit: indexLimit, follow: false }), "the index");
    return check(parseJson(written), "$");
  } catch (error) {
    throw at(error, { file: path });
  }
}

export function indexBytes(index: GenerationIndex): Uint8Array {
  return utf8(`${JSON.stringify(index)}\n`);
}

function parseJson(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch (cause) {
    throw new NixsealError("malformed", "the generation's index is not JSON", { cause });
  }
}
