import { dirname, join, resolve } from "node:path";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import { loadFleet } from "../inventory/load.ts";
import type { Fleet } from "../inventory/model.ts";
import { fleetFileName } from "../inventory/sources.ts";
import type { Context } from "./op.ts";

/** What is needed to find and read a fleet. */
export type FleetContext = Pick<Context, "fleet" | "workingDirectory" | "files">;

export interface OpenFleet {
  /** Absolute. */
  readonly directory: string;
  readonly fleet: Fleet;
}

/** Finds the fleet and loads it. Throws `not-found` when there is none and `config` with places when it is wrong. */
export async function openFleet(context: FleetContext): Promise<OpenFleet> {
  const directory = await findFleet(context);
  return { directory, fleet: await loadFleet(context.files, directory) };
}

/** The directory of fleet.toml: `--fleet`, else the nearest one from the working directory upwards. */
export async function findFleet(context: FleetContext): Promise<string> {
  const { files, workingDirectory } = context;
  const given = context.fleet === undefined ? undefined : resolve(workingDirectory, context.fleet);
  for (let directory = given ?? resolve(workingDirectory); ; directory = dirname(directory)) {
    if ((await files.status(join(directory, fleetFileName))) !== null) return directory;
    if (given !== undefined) throw notFound(`no ${fleetFileName} in ${given}`);
    if (directory === dirname(directory)) throw notFound(`no ${fleetFileName} here or in a directory above`);
  }
}

/**
 * The file whose lock keeps two operators on one machine apart. Inside `.git` where it can be, so that it never
 * shows up in the repository.
 */
export async function fleetLockPath(files: Pick<Files, "status">, directory: string): Promise<string> {
  const git = join(directory, ".git");
  return (await files.status(git))?.kind === "directory"
    ? join(git, "nixseal.lock")
    : join(directory, ".nixseal.lock");
}

function notFound(message: string): NixsealError {
  return new NixsealError("not-found", message, {
    hint: "'nixseal init' makes one; --fleet DIR names the directory of an existing one",
  });
}
