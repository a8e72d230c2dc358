/** What an activation does to units: expected from the files of two systems, or as the host's own dry run told it. */
import { compareUnits } from "./unit-difference.ts";
import { fileOf, pulledIn, staysActive, unitInfo, type UnitSet } from "./unit-set.ts";
import { flagOf, namesOf, type UnitInfo } from "./unit-text.ts";

export interface UnitChanges {
  /** `expected` from the files alone, or by the word of switch-to-configuration on the host. */
  readonly source: "expected" | "dry-activate";
  readonly start: readonly string[];
  /** They do not run afterwards, unless a socket starts them again. */
  readonly stop: readonly string[];
  /** They are interrupted: stopped and started, or restarted. */
  readonly restart: readonly string[];
  readonly reload: readonly string[];
  /** Changed, and left as they run: their configuration wants no restart. */
  readonly keep: readonly string[];
}

type Sets = Record<"start" | "stop" | "restart" | "reload" | "keep", Set<string>>;

const none = (): Sets => ({
  start: new Set(),
  stop: new Set(),
  restart: new Set(),
  reload: new Set(),
  keep: new Set(),
});

/** Nobody manages these by name: their properties change with the reload of systemd, or those who need them start them. */
function isLeftAlone(unit: string): boolean {
  return /\.(?:path|slice|socket)$/.test(unit);
}

/**
 * By the rules of NixOS's switch-to-configuration, taking what starting the former system pulls in for what runs. What was
 * started by hand, has failed, or was made by a generator from fstab is not seen: the host's dry run knows.
 */
export function expectedChanges(before: UnitSet, after: UnitSet): UnitChanges {
  const sets = none();
  const [was, is] = [pulledIn(before), pulledIn(after)];
  const active = new Map([...was].filter(([unit, info]) => staysActive(unit, info)));
  for (const [unit, info] of active) {
    const next = unitInfo(after, unit);
    if (next === null) {
      if (flagOf(info, "Unit", "X-StopOnRemoval", true)) sets.stop.add(unit);
    } else if (unit.endsWith(".target")) {
      if (flagOf(next, "Unit", "X-StopOnReconfiguration", false)) sets.restart.add(unit);
    } else {
      const difference = compareUnits(info, next);
      if (difference === "reload" && !sets.restart.has(unit)) sets.reload.add(unit);
      if (difference === "restart") addModified(sets, unit, next, active, after);
    }
  }
  // Targets are started again whenever a system is activated, and pull in what is new.
  for (const unit of is.keys()) if (!was.has(unit) && !/\.(?:target|slice)$/.test(unit)) sets.start.add(unit);
  return changesOf("expected", sets);
}

function addModified(
  sets: Sets,
  unit: string,
  info: UnitInfo,
  active: ReadonlyMap<string, UnitInfo>,
  after: UnitSet,
): void {
  if (isLeftAlone(unit)) return;
  if (unit.endsWith(".mount")) {
    // Nobody can take these away from under the system.
    sets[unit === "-.mount" || unit === "nix.mount" ? "reload" : "restart"].add(unit);
    return;
  }
  if (flagOf(info, "Service", "X-ReloadIfChanged", false)) {
    sets.reload.add(unit);
    return;
  }
  const stays =
    !flagOf(info, "Service", "X-RestartIfChanged", true) ||
    flagOf(info, "Unit", "RefuseManualStop", false) ||
    flagOf(info, "Unit", "X-OnlyManualStart", false);
  if (stays) {
    sets.keep.add(unit);
    return;
  }
  const stopsFirst = unit.endsWith(".service") && flagOf(info, "Service", "X-StopIfChanged", true);
  const sockets = stopsFirst ? socketsOf(unit, info) : [];
  for (const socket of sockets) if (active.has(socket)) sets.stop.add(socket);
  const listening = sockets.filter((socket) => fileOf(after, socket) !== null);
  for (const socket of listening) if (active.has(socket)) sets.start.add(socket);
  sets.stop.add(unit);
  // What a socket starts waits for the next connection.
  if (listening.length === 0 || flagOf(info, "Service", "X-NotSocketActivated", false)) sets.start.add(unit);
}

function socketsOf(unit: string, info: UnitInfo): string[] {
  const named = namesOf(info, "Service", "Sockets");
  return named.length > 0 ? named : [unit.replace(/@[^.]*/, "").replace(/\.service$/, ".socket")];
}

/** What is stopped and started is interrupted, which is what people ask about. */
function changesOf(source: UnitChanges["source"], sets: Sets): UnitChanges {
  for (const unit of sets.stop)
    if (sets.start.has(unit)) {
      sets.restart.add(unit);
      sets.stop.delete(unit);
      sets.start.delete(unit);
    }
  const sorted = (set: ReadonlySet<string>): string[] => [...set].sort();
  return {
    source,
    start: sorted(sets.start),
    stop: sorted(sets.stop),
    restart: sorted(sets.restart),
    reload: sorted(sets.reload),
    keep: sorted(sets.keep),
  };
}

const verbs = {
  start: "start",
  stop: "stop",
  restart: "restart",
  reload: "reload",
  "NOT stop": "keep",
  "NOT restart": "keep",
} as const satisfies Record<string, keyof Sets>;

const saying =
  /^would (start|stop|restart|reload|NOT stop|NOT restart) the following (?:changed )?units(?: as well)?: (.*)$/;
/** Unit names that systemd takes (systemd.unit(5)). */
const unitName = /^[A-Za-z0-9:_.\\@-]{1,255}$/;
const mostNamed = 10_000;

/** What `switch-to-configuration dry-activate` printed. What is no list of units of the system's is passed over. */
export function toldChanges(lines: readonly string[]): UnitChanges {
  const sets = none();
  for (const line of lines) {
    const [, verb, names] = saying.exec(line) ?? [];
    const kind = Object.entries(verbs).find(([known]) => known === verb)?.[1];
    if (kind === undefined) continue;
    for (const name of names!.split(", ").slice(0, mostNamed)) if (unitName.test(name)) sets[kind].add(name);
  }
  return changesOf("dry-activate", sets);
}
