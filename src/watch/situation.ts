/** Looks at the running system: which units there are, and which store paths each of its services runs. */
import type { Files, Processes } from "../core/ports.ts";
import { dependents, storePathPattern } from "./closure.ts";
import { mayRun, type Situation } from "./plan.ts";
import { pathsOfGroup } from "./processes-of.ts";
import { actionable, type VulnerablePath } from "./reach.ts";
import type { Held } from "./records.ts";
import { readAllowed, readHeld } from "./records.ts";
import type { WatchLayout } from "./layout.ts";
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
  const held = await readHeld(ports.files, layout.held);
  const allowed = await readAllowed(ports.files, layout.allowed);
  const vulnerable = await withDependents(ports, actionable(findings));
  const runs = new Map<string, ReadonlySet<string>>();
  if (vulnerable.length + held.length + allowed.length === 0)
    return { units: new Map(), runs, vulnerable, held, allowed, neverStop };
  const units = await loadedUnits(ports.processes);
  // With nothing vulnerable there is nothing to reach: no unit needs to be looked at.
  if (vulnerable.length > 0)
    for (const unit of candidates(units, held))
      runs.set(
        unit.name,
        await pathsOfUnit(
          ports,
          unit,
          held.find((one) => one.unit === unit.name),
        ),
      );
  return { units, runs, vulnerable, held, allowed, neverStop };
}

/** What its command lines name. */
export async function commandsOf({ processes }: LookPorts, unit: string): Promise<Set<string>> {
  return new Set((await commandLines(processes, unit)).match(storePathPattern) ?? []);
}

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

async function pathsOfUnit(ports: LookPorts, unit: Unit, held: Held | undefined): Promise<Set<string>> {
  const commands = await commandsOf(ports, unit.name);
  const processes = unit.cgroup === "" ? [] : await pathsOfGroup(ports.files, unit.cgroup);
  const same = held !== undefined && [...commands].sort().join() === held.commands.join();
  return new Set([...commands, ...processes, ...(same ? held.runs : [])]);
}
