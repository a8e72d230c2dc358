/** Carries a plan out. A unit's file comes before its stop: killed in between, the next run finds it running and stops it. */
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import type { WatchLayout } from "./layout.ts";
import type { Plan, Situation, Stop } from "./plan.ts";
import { formatRecord, markerOf, type Held } from "./records.ts";
import { commandsOf, type LookPorts } from "./situation.ts";
import { isStopped, systemctl } from "./units.ts";

export interface ActPorts extends LookPorts {
  readonly files: LookPorts["files"] & Pick<Files, "writeAtomic" | "makeDirectory" | "remove" | "sync">;
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
    const before = situation.held.find(({ unit }) => unit === stop.unit);
    const record: Held = {
      version: 1,
      unit: stop.unit,
      since: before?.since ?? now,
      because: stop.because,
      advisories: stop.advisories,
      startedBy: stop.startedBy,
      alongWith: [...new Set([...(before?.alongWith ?? []), ...stop.alongWith])],
      runs: [...(situation.runs.get(stop.unit) ?? [])].sort(),
      commands: [...(await commandsOf(ports, stop.unit))].sort(),
    };
    await attempt(failures, `${stop.unit} is stopped, but not kept from starting again`, () =>
      hold(ports, layout, record),
    );
    await attempt(failures, `${stop.unit} could not be stopped`, () => stopUnit(ports, stop));
    held.set(stop.unit, record);
  }
  for (const one of plan.release)
    await attempt(failures, `${one.unit} could not be started again`, async () => {
      await letGo(ports, layout, one);
      if (situation.units.get(one.unit)?.exists !== true) return;
      ports.say(`starts ${one.unit} again: nothing that it runs is known to be vulnerable now`);
      await systemctl(ports.processes, "start", starters(one));
    });
  for (const { unit } of plan.forget)
    await attempt(failures, `what was allowed for ${unit} could not be taken back`, () =>
      unlessMissing(() => ports.files.remove(`${layout.allowed}/${unit}`)),
    );
  return { held: [...held.values()], failures };
}

/** Started by its socket, timer or path where it has one: whether it runs is for them to say. */
export function starters({ unit, startedBy, alongWith }: Held): readonly string[] {
  return [...(startedBy.length === 0 ? [unit] : startedBy), ...alongWith];
}

/** Lets systemd start it again. The record goes last: killed before, the next run does this again. */
export async function letGo({ files }: ActPorts, layout: WatchLayout, held: Held): Promise<void> {
  for (const name of [...held.startedBy, held.unit])
    await unlessMissing(() => files.remove(`${layout.held}/${name}`));
  await files.sync(layout.held);
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

async function attempt(failures: string[], what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    failures.push(`${what}: ${error.message}`);
  }
}

async function unlessMissing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
}
