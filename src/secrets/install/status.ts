import { utf8 } from "../../core/bytes.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Stage } from "../manifest.ts";
import { nameCheck } from "../manifest-fields.ts";
import type { Failure } from "./failure.ts";
import type { GenerationIndex } from "./generation-index.ts";
import type { Layout } from "./layout.ts";

/** The last run, for `status` and for people. No value, and nothing computed from one. */
export interface InstallStatus {
  readonly at: string;
  readonly host: string;
  readonly manifest: string;
  readonly stage: Stage;
  readonly failures: readonly Failure[];
  readonly index: GenerationIndex;
}

export async function writeStatus(files: Files, layout: Layout, status: InstallStatus): Promise<void> {
  const { at, host, manifest, stage, failures, index } = status;
  const document = {
    version: 1,
    at,
    host,
    manifest,
    stage,
    generation: index.number,
    installed: index.secrets.map(({ name, stage, path, digest, since }) => ({
      name,
      stage,
      path,
      digest,
      since,
    })),
    failures,
  };
  await files.writeAtomic(layout.status, utf8(`${JSON.stringify(document)}\n`), { mode: 0o644 });
}

/**
 * Leaves a file for each failed secret of this run's stage and removes those of secrets that are well or gone.
 * Gives the names whose file appeared, stayed or went: their units are to be looked at.
 */
export async function writeMarkers(
  files: Files,
  layout: Layout,
  failures: readonly Failure[],
  otherStage: ReadonlySet<string>,
  keeps: ReadonlySet<string>,
): Promise<string[]> {
  await files.makeDirectory(layout.failed, { mode: 0o755, parents: true });
  const failed = new Map(failures.map((failure) => [failure.name, failure]));
  const touched = new Set(failed.keys());
  for (const name of await files.list(layout.failed)) {
    if (failed.has(name) || otherStage.has(name)) continue;
    await files.remove(`${layout.failed}/${name}`);
    if (isName(name)) touched.add(name); // else what a killed run left half written
  }
  for (const [name, failure] of failed) {
    const text = reasonText(failure, keeps.has(name));
    await files.writeAtomic(`${layout.failed}/${name}`, utf8(text), { mode: 0o644 });
  }
  return [...touched].sort();
}

/** The reason as `secrets verify` and the journal show it. */
export function reasonText({ name, code, message, hint }: Failure, kept: boolean): string {
  const lines = [
    `secret '${name}' was not installed (${code}): ${message}`,
    ...(hint === null ? [] : [`hint: ${hint}`]),
    kept ? "its last good value stays in place" : "there is no former value in place",
  ];
  return `${lines.join("\n")}\n`;
}

function isName(name: string): boolean {
  try {
    nameCheck(name, "");
    return true;
  } catch {
    return false;
  }
}

/** Why a secret failed in the last run; null when it did not. */
export async function readMarker(
  files: Pick<Files, "read" | "statusOfLink">,
  layout: Layout,
  name: string,
): Promise<string | null> {
  const path = `${layout.failed}/${name}`;
  if ((await files.statusOfLink(path)) === null) return null;
  return new TextDecoder().decode(await files.read(path, { limit: 1 << 20, follow: false }));
}
