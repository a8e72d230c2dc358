import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { list, object, text } from "../../core/shape.ts";
import { Field } from "../../nix/json-fields.ts";
import type { Layout } from "./layout.ts";

/** How the last installation of secrets ended. */
export interface SecretsStatus {
  readonly at: string;
  readonly generation: number;
  readonly installed: number;
  /** Names, each with a marker that says why: `secrets verify NAME`. */
  readonly failed: readonly string[];
}

const largest = 32 << 20;
const most = 100_000;
const shape = object({
  at: text(() => true, "a time"),
  generation: (value: unknown): number => Number(value),
  installed: list((value: unknown) => value, most),
});

/** What `writeStatus` left; null where nothing was installed since the boot. */
export async function readSecretsStatus(
  files: Pick<Files, "list" | "read" | "statusOfLink">,
  layout: Layout,
): Promise<SecretsStatus | null> {
  if ((await files.statusOfLink(layout.status)) === null) return null;
  try {
    const written = utf8Text(
      await files.read(layout.status, { limit: largest, follow: false }),
      "the status",
    );
    const { at: time, generation, installed } = parse(written);
    const markers = (await files.statusOfLink(layout.failed)) === null ? [] : await files.list(layout.failed);
    return {
      at: time,
      generation,
      installed: installed.length,
      failed: markers.filter((name) => !name.startsWith(".")),
    };
  } catch (error) {
    throw at(error, { file: layout.status });
  }
}

function parse(written: string) {
  try {
    const { at: time, generation, installed } = JSON.parse(written) as Record<string, unknown>;
    return shape({ at: time, generation, installed }, "status");
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("malformed", "the status of the secrets is not JSON", { cause });
  }
}

export interface InstalledManifest {
  readonly file: string;
  /** Of the ciphertext of each value that is in place, by the secret's name. */
  readonly digests: ReadonlyMap<string, string>;
}

/** The manifest that was installed last; null where nothing was since the boot. It is root's word, as its directory is root's. */
export async function installedManifest(
  files: Pick<Files, "read" | "statusOfLink">,
  layout: Layout,
): Promise<InstalledManifest | null> {
  if ((await files.statusOfLink(layout.status)) === null) return null;
  try {
    const bytes = await files.read(layout.status, { limit: largest, follow: false });
    const top = Field.parse(utf8Text(bytes, "the status"), "status");
    const digests = top
      .get("installed")
      .items()
      .map((one) => [one.get("name").string(), one.get("digest").string()] as const);
    return { file: top.get("manifest").string(), digests: new Map(digests) };
  } catch (error) {
    throw at(error, { file: layout.status });
  }
}
