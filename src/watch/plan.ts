/** What is to be done about units. A pure decision: what runs, what is vulnerable, what is held, what may not be stopped. */
import { reachOf, type Reach, type VulnerablePath } from "./reach.ts";
import type { Allowed, Held } from "./records.ts";
import type { Unit } from "./units.ts";

export interface Situation {
  readonly units: ReadonlyMap<string, Unit>;
  /** Store paths that a service runs, or would run when something starts it. */
  readonly runs: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of these, what its command lines name. */
  readonly commands: ReadonlyMap<string, ReadonlySet<string>>;
  /** Sentences about services of which not everything could be seen. */
  readonly unseen: readonly string[];
  /** Empty where the policy does not say `stop`: then nothing is stopped, and what is held is let go. */
  readonly vulnerable: readonly VulnerablePath[];
  readonly held: readonly Held[];
  readonly allowed: readonly Allowed[];
  readonly neverStop: (unit: string) => boolean;
}

export interface Stop extends Reach {
  readonly unit: string;
  /** Sockets, timers and paths that would start it again. */
  readonly startedBy: readonly string[];
  /** Running units that systemd stops along with these. */
  readonly alongWith: readonly string[];
}

export interface Plan {
  readonly stop: readonly Stop[];
  /** Left alone although they reach a vulnerable path. */
  readonly keep: readonly { readonly unit: string; readonly because: string }[];
  /** No longer vulnerable. */
  readonly release: readonly Held[];
  /** Still vulnerable and already as they should be. */
  readonly stay: readonly Held[];
  /** Permissions that nothing needs any more. */
  readonly forget: readonly Allowed[];
}

export function planUnits(situation: Situation): Plan {
  const { units, runs, vulnerable, held, allowed, neverStop } = situation;
  const stop: Stop[] = [];
  const keep: { unit: string; because: string }[] = [];
  const release: Held[] = [];
  const stay: Held[] = [];
  const permitted = new Map(allowed.map((one) => [one.unit, one]));
  const reached = new Map<string, Reach>();
  const holds = new Map(held.map((one) => [one.unit, one]));

  for (const [name, paths] of [...runs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const reach = reachOf(name, paths, vulnerable);
    if (reach === null) continue;
    reached.set(name, reach);
    const unit = units.get(name);
    if (unit === undefined || !mayRun(unit, units)) continue;
    const startedBy = unit.startedBy.filter((starter) => units.has(starter));
    const alongWith = takenAlong([name, ...startedBy], units);
    const reason = reasonToKeep({ name, startedBy, alongWith, reach }, permitted, neverStop);
    if (reason === null) stop.push({ unit: name, startedBy, alongWith, ...reach });
    else keep.push({ unit: name, because: `${reach.because}; ${reason}` });
  }
  for (const one of holds.values()) {
    const reach = reached.get(one.unit);
    const isNeeded =
      reach !== undefined && !neverStop(one.unit) && !isPermitted(permitted.get(one.unit), reach);
    (isNeeded ? stay : release).push(one);
  }
  const forget = allowed.filter(({ unit, advisories }) => {
    const reach = reached.get(unit);
    return reach === undefined || !reach.advisories.some((id) => advisories.includes(id));
  });
  return { stop, keep, release, stay, forget };
}

/** It runs, or something that runs would start it. */
export function mayRun(unit: Unit, units: ReadonlyMap<string, Unit>): boolean {
  return unit.runs || unit.startedBy.some((starter) => units.get(starter)?.runs === true);
}

/** Running units that systemd would stop too, from one to the next, without those that are meant. */
function takenAlong(meant: readonly string[], units: ReadonlyMap<string, Unit>): string[] {
  const found = new Set(meant);
  for (const name of found)
    for (const other of units.get(name)?.takesAlong ?? [])
      if (units.get(other)?.runs === true) found.add(other);
  return [...found].filter((name) => !meant.includes(name)).sort();
}

function reasonToKeep(
  {
    name,
    startedBy,
    alongWith,
    reach,
  }: { name: string; startedBy: readonly string[]; alongWith: readonly string[]; reach: Reach },
  permitted: ReadonlyMap<string, Allowed>,
  neverStop: (unit: string) => boolean,
): string | null {
  if (neverStop(name)) return "it is on the list of what is never stopped";
  const other = [...startedBy, ...alongWith].find(neverStop);
  if (other !== undefined)
    return `with it ${other} would stop, which is on the list of what is never stopped`;
  const permission = permitted.get(name);
  if (isPermitted(permission, reach)) return `somebody started it again on ${permission!.since}`;
  return null;
}

/** For the advisories that somebody knew of, not for further ones. */
function isPermitted(permission: Allowed | undefined, { advisories }: Reach): boolean {
  return permission !== undefined && advisories.every((id) => permission.advisories.includes(id));
}
