/** What would be stopped if the policy were `stop`. Fetches nothing and changes nothing. */
import { NixsealError } from "../core/errors.ts";
import { printable } from "../audit/printable.ts";
import type { Policy, WatchConfig } from "./config.ts";
import { openFeed } from "./feed.ts";
import { layoutOf } from "./layout.ts";
import { matchSystem } from "./match.ts";
import { neverStopped } from "./never-stop.ts";
import { planUnits, type Plan } from "./plan.ts";
import { lookAround } from "./situation.ts";
import type { WatchPorts } from "./watch.ts";

export interface Preview extends Pick<Plan, "stop" | "keep"> {
  readonly policy: Policy;
  readonly stale: boolean;
  /** Findings that hosts may act on. */
  readonly findings: number;
  readonly held: readonly string[];
  readonly release: readonly string[];
}

export async function preview(
  ports: Pick<WatchPorts, "files" | "processes" | "clock">,
  { critical, neverStop }: WatchConfig,
  root: string,
): Promise<Preview> {
  const layout = layoutOf(root);
  const feed = await openFeed(ports.files, layout.advisories, ports.clock.now());
  if (feed === null)
    throw new NixsealError("not-found", "there are no advisories yet", {
      hint: "let 'nixseal-agent watch' fetch them first",
    });
  const { report } = await matchSystem(ports, root, feed);
  const urgent = report.findings.filter(({ mayAct }) => mayAct);
  // Units are those of the running system; what lies under another root has none.
  const looked = root === "" ? await lookAround(ports, layout, urgent, neverStopped(neverStop)) : null;
  const plan = looked === null ? { stop: [], keep: [], stay: [], release: [] } : planUnits(looked);
  const names = (list: Plan["stay"]): string[] => list.map(({ unit }) => unit);
  return {
    policy: critical,
    stale: report.staleSince !== null,
    findings: urgent.length,
    stop: plan.stop,
    keep: plan.keep,
    held: names(plan.stay),
    release: names(plan.release),
  };
}

export function previewText({ policy, stale, findings, stop, keep, held, release }: Preview): string[] {
  return [
    ...stop.flatMap(({ unit, because, startedBy, alongWith }) => [
      `would stop ${unit}: it ${printable(because, 600)}`,
      ...(startedBy.length === 0 ? [] : [`  and what starts it: ${startedBy.join(" ")}`]),
      ...(alongWith.length === 0 ? [] : [`  systemd stops along with it: ${alongWith.join(" ")}`]),
    ]),
    ...keep.map(({ unit, because }) => `would leave ${unit}: it ${printable(because, 600)}`),
    ...held.map((unit) => `stopped already: ${unit}`),
    ...release.map((unit) => `would start ${unit} again`),
    `${findings} ${findings === 1 ? "finding" : "findings"} that hosts may act on; critical = "${policy}"`,
    ...(policy === "stop" ? [] : ['nothing of this happens unless critical = "stop"']),
    ...(stale ? ["STALE: the advisories are out of date; nothing is stopped by them"] : []),
  ];
}
