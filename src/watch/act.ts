/** Carries a plan out. A unit's file comes before its stop: killed in between, the next run finds it running and stops it. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";
import type { WatchLayout } from "./layout.ts";
import type { Plan, Situation, Stop } from "./plan.ts";
import { formatRecord, listed, markerOf, readHeld, type Held } from "./records.ts";
import type { LookPorts } from "./situation.ts";
import { isUnitName } from "./unit-name.ts";
import { isStopped, systemctl } from "./units.ts";

export interface ActPorts extends LookPorts {
  readonly files: LookPorts["files"] &
    Pick<Files, "writeAtomic" | "makeDirectory" | "remove" | "rename" | "sync">;
  /** The journal. */
  readonly say: (line: string) => void;
}

export interface Acted {
  readonly held: readonly Held[];
  /** Sentences about what could not be done. */
  readonly failures: readonly string[];
}

export async function carryOut(
  ports: ActPorts,
  layout: WatchLayout,
  situation: Situation,
  plan: Plan,
  now: string,
): Promise<Acted> {
  const failures: string[] = [];
  const held = new Map(plan.stay.map((one) => [one.unit, one]));
  for (const stop of plan.stop) {
    const record = recordOf(stop, situation, now);
    await attempt(failures, `${stop.unit} is not kept from starting again`, () =>
      hold(ports, layout, record),
    );
    // Also when it cannot be held: a full disk must not keep it running.
    if (await attempt(failures, `${stop.unit} could not be stopped`, () => stopUnit(ports, stop)))
      held.set(stop.unit, record);
  }
  for (const one of plan.release)
    await attempt(failures, `${one.unit} could not be started again`, () =>
      startAgain(ports, layout, one, situation),
    );
  for (const { unit } of plan.forget)
    await attempt(failures, `what was allowed for ${unit} could not be taken back`, () =>
      unlessMissing(() => ports.files.remove(`${layout.allowed}/${unit}`)),
    );
  await attempt(failures, "what is held could not be tidied", () => sweep(ports, layout));
  return { held: [...held.values()], failures };
}

function recordOf(stop: Stop, { held, runs, commands }: Situation, now: string): Held {
  const { unit, because, advisories, startedBy, alongWith } = stop;
  const before = held.find((one) => one.unit === unit);
  const sorted = (paths: ReadonlySet<string> | undefined): string[] => [...(paths ?? [])].sort();
  return {
    version: 1,
    unit,
    since: before?.since ?? now,
    because,
    advisories,
    startedBy,
    alongWith: [...new Set([...(before?.alongWith ?? []), ...alongWith])],
    runs: sorted(runs.get(unit)),
    commands: sorted(commands.get(unit)),
  };
}

async function startAgain(
  ports: ActPorts,
  layout: WatchLayout,
  held: Held,
  { units }: Situation,
): Promise<void> {
  const { unit } = held;
  await letGo(ports, layout, held);
  if (units.get(unit)?.exists === true) {
    ports.say(`starts ${unit} again: nothing that it runs is known to be vulnerable now`);
    await start(ports, held);
  }
  await unlessMissing(() => ports.files.remove(`${layout.released}/${unit}`));
}

/** By its socket, timer or path where it has one: whether it runs is for them to say. */
export async function start({ processes }: Pick<ActPorts, "processes">, held: Held): Promise<void> {
  const { unit, startedBy, alongWith } = held;
  await systemctl(processes, "start", [...(startedBy.length === 0 ? [unit] : startedBy), ...alongWith]);
}

/**
 * Lets systemd start it again. The record moves and stays until the unit was started: killed in between, the next run
 * starts it.
 */
export async function letGo(
  { files }: ActPorts,
  layout: WatchLayout,
  { unit, startedBy }: Held,
): Promise<void> {
  await files.makeDirectory(layout.released, { mode: 0o755, parents: true });
  await unlessMissing(() => files.rename(`${layout.held}/${unit}`, `${layout.released}/${unit}`));
  for (const name of startedBy) await unlessMissing(() => files.remove(`${layout.held}/${name}`));
  await files.sync(layout.released);
}

/** A socket whose service's record somebody removed by hand is held by nobody any more. */
async function sweep({ files }: ActPorts, layout: WatchLayout): Promise<void> {
  const meant = new Set(
    (await readHeld(files, layout.held)).flatMap(({ unit, startedBy }) => [unit, ...startedBy]),
  );
  for (const name of await listed(files, layout.held))
    if (isUnitName(name) && !meant.has(name))
      await unlessMissing(() => files.remove(`${layout.held}/${name}`));
}

async function hold({ files }: ActPorts, layout: WatchLayout, record: Held): Promise<void> {
  await files.makeDirectory(layout.held, { mode: 0o755, parents: true });
  for (const name of record.startedBy)
    await files.writeAtomic(`${layout.held}/${name}`, markerOf(record.unit), { mode: 0o644 });
  await files.writeAtomic(`${layout.held}/${record.unit}`, formatRecord(record), { mode: 0o644 });
}

async function stopUnit(
  { processes, say }: ActPorts,
  { unit, because, startedBy, alongWith }: Stop,
): Promise<void> {
  const others = [...startedBy, ...alongWith];
  say(`stops ${unit}${others.length === 0 ? "" : ` with ${others.join(" ")}`}: it ${because}`);
  // What would start it goes first: else a connection between the two would bring it back.
  await systemctl(processes, "stop", [...startedBy, unit]);
  if (!(await isStopped(processes, unit))) throw new NixsealError("tool", "it runs on");
}

/** Whether it worked. */
async function attempt(failures: string[], what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    failures.push(`${what}: ${error.message}`);
    return false;
  }
}

async function unlessMissing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
}
