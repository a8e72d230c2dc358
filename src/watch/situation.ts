/** Looks at the running system: which units there are, and which store paths each of its services runs. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { Processes } from "../core/ports.ts";
import { dependents, storePathPattern } from "./closure.ts";
import type { WatchLayout } from "./layout.ts";
import { mayRun, type Situation } from "./plan.ts";
import { addPathsOfGroup } from "./processes-of.ts";
import { actionable, type VulnerablePath } from "./reach.ts";
import { readAllowed, readHeld, type Held } from "./records.ts";
import { commandLines, loadedUnits, type Unit } from "./units.ts";

export interface LookPorts {
  readonly files: Pick<Files, "list" | "read" | "readLink" | "status">;
  readonly processes: Pick<Processes, "run">;
}

export async function lookAround(
  ports: LookPorts,
  layout: WatchLayout,
  findings: Parameters<typeof actionable>[0],
  neverStop: (unit: string) => boolean,
): Promise<Situation> {
  const { files } = ports;
  const held = [...(await readHeld(files, layout.released)), ...(await readHeld(files, layout.held))];
  const allowed = await readAllowed(files, layout.allowed);
  const vulnerable = await withDependents(ports, actionable(findings));
  const isQuiet = vulnerable.length + held.length + allowed.length === 0;
  const units = isQuiet ? new Map<string, Unit>() : await loadedUnits(ports.processes);
  // With nothing vulnerable there is nothing to reach: no unit needs to be looked at.
  const seen =
    vulnerable.length === 0 ? nothingSeen : await lookAt(ports, candidates(units, held), recordsOf(held));
  return { units, ...seen, vulnerable, held, allowed, neverStop };
}

const nothingSeen = { runs: new Map(), commands: new Map(), unseen: [] } as const;

const recordsOf = (held: readonly Held[]): Map<string, Held> => new Map(held.map((one) => [one.unit, one]));

async function withDependents(
  ports: LookPorts,
  paths: readonly Omit<VulnerablePath, "neededBy">[],
): Promise<VulnerablePath[]> {
  const known = new Map<string, ReadonlySet<string>>();
  for (const { path } of paths) if (!known.has(path)) known.set(path, await dependents(ports, path));
  return paths.map((one) => ({ ...one, neededBy: known.get(one.path)! }));
}

function candidates(units: ReadonlyMap<string, Unit>, held: readonly Held[]): Unit[] {
  const names = new Set(held.map(({ unit }) => unit));
  return [...units.values()].filter(
    (unit) =>
      unit.name.endsWith(".service") && (mayRun(unit, units) || (names.has(unit.name) && unit.exists)),
  );
}

/**
 * A service that cannot be looked at whole is judged by what was seen of it, and that is told. It must not keep the others
 * from being judged: whoever has broken into one could see to that.
 */
async function lookAt(
  ports: LookPorts,
  units: readonly Unit[],
  held: ReadonlyMap<string, Held>,
): Promise<Pick<Situation, "runs" | "commands" | "unseen">> {
  const runs = new Map<string, Set<string>>();
  const commands = new Map<string, ReadonlySet<string>>();
  const unseen: string[] = [];
  for (const { name, cgroup } of units) {
    const found = new Set<string>();
    runs.set(name, found);
    try {
      const text = await commandLines(ports.processes, name);
      const named = new Set(text.match(storePathPattern) ?? []);
      commands.set(name, named);
      for (const path of [...named, ...whatItRan(named, held.get(name))]) found.add(path);
      if (cgroup !== "") await addPathsOfGroup(ports.files, cgroup, found);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      unseen.push(`not all of what ${name} runs could be seen: ${error.message}`);
    }
  }
  return { runs, commands, unseen };
}

/** A service that is down runs nothing; while its command lines are the same, it would run the same again. */
function whatItRan(commands: ReadonlySet<string>, held: Held | undefined): readonly string[] {
  if (held === undefined) return [];
  return [...commands].sort().join(" ") === held.commands.join(" ") ? held.runs : [];
}
