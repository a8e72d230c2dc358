import { wavesOf } from "../../deploy/waves.ts";
import type { Paint } from "../op.ts";
import { sizeText } from "../warrant/view.ts";
import type { PlanView } from "./plan-view.ts";

/** Lines of one kind that are shown; `--json` has all. */
const mostShown = 20;

export function planText({ hosts, rollout, action, reboots }: PlanView, paint: Paint): string {
  const waves = wavesOf(hosts, rollout);
  const lines = waves.flatMap((wave, index) => [
    ...(waves.length > 1 ? [paint.weak(`wave ${index + 1} of ${waves.length}`)] : []),
    ...wave.flatMap((host) => [hostText(host, action, paint), ...rebootText(host, reboots)]),
  ]);
  return lines.join("\n");
}

function rebootText({ current, warrant, reboot }: PlannedView, reboots: PlanView["reboots"]): string[] {
  const isDone = current?.warrant === warrant.digest;
  if (reboots === "never" || current === null || (isDone && reboot !== true)) return [];
  if (reboots === "always" || reboot === true) return ["  then it starts anew"];
  return reboot === null ? ["  then it starts anew if it has to"] : [];
}

type PlannedView = PlanView["hosts"][number];

function hostText(host: PlannedView, action: string, paint: Paint): string {
  const { name, toplevel, warrant, current, unreachable, change } = host;
  const head = `${paint.strong(name)}  ${action} ${toplevel}  ${paint.weak(`warrant ${warrant.seq}`)}`;
  if (current === null)
    return `${head}\n  ${paint.bad("not reachable")}: ${unreachable ?? "it did not answer when the plan was made"}`;
  if (current.warrant === warrant.digest)
    return `${head}\n  ${paint.good("runs it already")}${host.reboot === true ? ", and awaits a reboot" : ""}`;
  if (change === null)
    return [
      `${head}\n  runs ${current.toplevel ?? "nothing that it can name"}; what changes is not known here`,
      ...effects(host, paint),
    ].join("\n");
  const { added, removed, changed, rebuilt, bytes } = change;
  const rows = [
    ...shown(changed).map((one) => `  ~ ${one}`),
    ...shown(added).map((one) => paint.good(`  + ${one}`)),
    ...shown(removed).map((one) => paint.bad(`  - ${one}`)),
    ...(rebuilt === 0 ? [] : [paint.weak(`  = ${rebuilt} built anew`)]),
  ];
  return [
    `${head}  ${sizeText(bytes, true)}`,
    ...(rows.length === 0 ? ["  the same packages"] : rows),
    ...effects(host, paint),
  ].join("\n");
}

/** What an activation does beside bringing packages. */
function effects({ reboot, units, secrets }: PlannedView, paint: Paint): string[] {
  const named = (label: string, all: readonly string[]): string[] =>
    all.length === 0 ? [] : [`  ${label}: ${shown(all).join(", ")}`];
  const expected = units?.source === "expected" ? " (expected)" : "";
  return [
    ...(units === null
      ? []
      : [
          ...named(`units stop${expected}`, units.stop).map((line) => paint.bad(line)),
          ...named(`units restart${expected}`, units.restart),
          ...named(`units reload${expected}`, units.reload),
          ...named(`units start${expected}`, units.start),
          ...named("units changed, left as they run", units.keep).map((line) => paint.weak(line)),
        ]),
    ...(secrets === null
      ? []
      : [
          ...named("secrets added", secrets.added),
          ...named("secrets changed", secrets.changed),
          ...named("secrets placed differently", secrets.moved),
          ...named("secrets removed", secrets.removed),
        ]),
    ...(reboot === true ? [paint.bad("  ! what changes needs a reboot to take effect")] : []),
  ];
}

function shown(all: readonly string[]): string[] {
  return all.length <= mostShown
    ? [...all]
    : [...all.slice(0, mostShown), `… and ${all.length - mostShown} more`];
}
