/** What the policy asks for about findings that hosts may act on. */
import { printable } from "../audit/printable.ts";
import { carryOut, type ActPorts } from "./act.ts";
import type { WatchConfig } from "./config.ts";
import type { WatchLayout } from "./layout.ts";
import type { Matched } from "./match.ts";
import { neverStopped } from "./never-stop.ts";
import { noticeLimits, type Notices } from "./notices.ts";
import type { Patch } from "./patch.ts";
import { planUnits } from "./plan.ts";
import { lookAround } from "./situation.ts";
import type { Troubles } from "./troubles.ts";

/** What it is called that there was nothing to patch with. */
export const patching = "patching";

interface Known {
  readonly matched: Matched;
  readonly before: Notices | null;
  readonly checked: string;
}

/**
 * Null when the units stay as they are: on data that is out of date nothing is stopped and nothing started, and a system that
 * was just activated is looked at by the next run.
 */
export async function followPolicy(
  ports: ActPorts,
  layout: WatchLayout,
  { config, patch }: { readonly config: WatchConfig; readonly patch: Patch },
  { matched, before, checked }: Known,
  troubles: Troubles,
): Promise<Pick<Notices, "stopped" | "kept"> | null> {
  const { report, isRid } = matched;
  if (report.staleSince !== null) return null;
  const urgent = report.findings.filter(({ mayAct }) => mayAct);
  if (config.critical !== "notify" && urgent.length > 0) {
    // Whatever fails here must not keep a unit running.
    const patched = await troubles.survive(patching, () => patch(isRid));
    if (patched?.done === true) {
      ports.say(patched.reason);
      return null;
    }
    if (patched !== null) troubles.add(patching, "not-found", `cannot patch: ${patched.reason}`, null);
  }
  const stopping = config.critical === "stop" ? urgent : [];
  const situation = await lookAround(ports, layout, stopping, neverStopped(config.neverStop));
  const plan = planUnits(situation);
  const { held, failures } = await carryOut(ports, layout, situation, plan, checked);
  for (const failure of [...situation.unseen, ...failures])
    troubles.add(
      "units",
      "partial",
      failure,
      "see the journal of the unit; stop it by hand if it must not run",
    );
  const stopped = new Set(before?.stopped.map(({ unit }) => unit));
  const kept = new Map(before?.kept.map(({ unit, since }) => [unit, since]));
  const shown = (text: string): string => printable(text, noticeLimits.text);
  return {
    stopped: held.map(({ unit, because, since }) => ({
      unit,
      because: shown(because),
      since,
      new: !stopped.has(unit),
    })),
    kept: plan.keep.map(({ unit, because }) => ({
      unit,
      because: shown(because),
      since: kept.get(unit) ?? checked,
      new: !kept.has(unit),
    })),
  };
}
