import type { Files } from "../core/file-ports.ts";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { EditPlan, FileChange } from "../inventory/edit/plan.ts";
import { readSources, type Source } from "../inventory/sources.ts";
import { problemsError } from "../inventory/load.ts";
import { findFleet, type FleetContext } from "./fleet-context.ts";
import { withFleetLock } from "./locked-fleet.ts";

type Plan = (sources: readonly Source[]) => Promise<EditPlan>;

/** Reads the fleet, plans a change and writes it, under the lock; a dry run only plans. */
export async function editFleet(
  context: FleetContext,
  purpose: string,
  dryRun: boolean,
  plan: Plan,
): Promise<EditPlan> {
  const { files } = context;
  if (dryRun) return planIn(files, await findFleet(context), plan);
  return withFleetLock(context, purpose, async (directory) => {
    const result = await planIn(files, directory, plan);
    await writeChanges(files, directory, result);
    return result;
  });
}

/** Plans a change of the inventory as it is now. */
export async function planIn(files: Files, directory: string, plan: Plan): Promise<EditPlan> {
  const { sources, problems } = await readSources(files, directory);
  if (problems.length > 0) throw problemsError(problems);
  return plan(sources);
}

/** fleet.toml comes first: killed in between, a removed host is then a host that nothing names, which is sound. */
export async function writeChanges(files: Files, directory: string, { changes }: EditPlan): Promise<void> {
  for (const change of changes) await write(files, directory, change);
}

/** What a dry run would do, as a diff. */
export function diffOf(plan: EditPlan): string {
  return plan.changes.map(({ diff }) => diff).join("");
}

/** Replaces the file behind a symlink, not the link, and keeps mode and, where one may, owner. */
async function write(files: Files, directory: string, change: FileChange): Promise<void> {
  const path = await files.realPath(`${directory}/${change.file}`);
  const status = await files.status(path);
  const bytes = utf8(change.after);
  const mode = status?.mode ?? 0o644;
  try {
    await files.writeAtomic(path, bytes, { mode, uid: status?.uid, gid: status?.gid });
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "io") throw error;
    await files.writeAtomic(path, bytes, { mode });
  }
}
