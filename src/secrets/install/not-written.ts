import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Processes } from "../../core/ports.ts";
import type { CurrentGeneration } from "./current-generation.ts";
import { failureOf, type Failure } from "./failure.ts";
import type { Layout } from "./layout.ts";
import type { Plan } from "./plan.ts";
import { writeMarkers } from "./status.ts";
import { showFailures, type Surroundings } from "./units.ts";

/** What is known of the run that could not write its generation. */
export interface NotWritten {
  readonly plan: Plan;
  readonly current: CurrentGeneration | null;
  /** Of secrets that could not be decrypted. */
  readonly failures: readonly Failure[];
  /** Names of the other stage's secrets. */
  readonly others: ReadonlySet<string>;
  readonly around: Surroundings;
}

/**
 * When the next generation cannot be written (the memory is full), all values are still the former ones, and each secret
 * that was to change gets its failed unit with the reason. Then throws the reason: the run has failed. What has no room
 * for a generation may have none for a reason either; that is not told a second time.
 */
export async function tellNotWritten(
  files: Files,
  processes: Pick<Processes, "run">,
  layout: Layout,
  { plan, current, failures, others, around }: NotWritten,
  reason: unknown,
): Promise<never> {
  if (!(reason instanceof NixsealError) || reason.code !== "io") throw reason;
  const kept = new Set(current?.index.secrets.map(({ name }) => name));
  const changed = plan.files.flatMap(({ entry, write }) => (write === null ? [] : [entry.name]));
  const all = [...failures, ...changed.map((name) => failureOf(name, reason))];
  try {
    const touched = await writeMarkers(files, layout, all, others, kept);
    await showFailures(files, processes, layout, around, touched);
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
  }
  throw reason;
}
