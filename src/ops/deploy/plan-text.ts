import { wavesOf } from "../../deploy/waves.ts";
import type { Paint } from "../op.ts";
import { sizeText } from "../warrant/view.ts";
import type { PlanView } from "./plan-view.ts";

/** Lines of one kind that are shown; `--json` has all. */
const mostShown = 20;

export function planText({ hosts, rollout, action }: PlanView, paint: Paint): string {
  const waves = wavesOf(hosts, rollout);
  const lines = waves.flatMap((wave, index) => [
    ...(waves.length > 1 ? [paint.weak(`wave ${index + 1} of ${waves.length}`)] : []),
    ...wave.map((host) => hostText(host, action, paint)),
  ]);
  return lines.join("\n");
}

function hostText(host: PlanView["hosts"][number], action: string, paint: Paint): string {
  const { name, toplevel, warrant, current, unreachable, change, reboot } = host;
  const head = `${paint.strong(name)}  ${action} ${toplevel}  ${paint.weak(`warrant ${warrant.seq}`)}`;
  if (current === null)
    return `${head}\n  ${paint.bad("not reachable")}: ${unreachable ?? "it did not answer when the plan was made"}`;
  if (current.warrant === warrant.digest) return `${head}\n  ${paint.good("runs it already")}`;
  if (change === null)
    return `${head}\n  runs ${current.toplevel ?? "nothing that it can name"}; what changes is not known here`;
  const { added, removed, changed, rebuilt, bytes } = change;
  const rows = [
    ...shown(changed).map((one) => `  ~ ${one}`),
    ...shown(added).map((one) => paint.good(`  + ${one}`)),
    ...shown(removed).map((one) => paint.bad(`  - ${one}`)),
    ...(rebuilt === 0 ? [] : [paint.weak(`  = ${rebuilt} built anew`)]),
    ...(reboot === true ? [paint.bad("  ! what changes needs a reboot to take effect")] : []),
  ];
  return [`${head}  ${sizeText(bytes, true)}`, ...(rows.length === 0 ? ["  the same packages"] : rows)].join(
    "\n",
  );
}

function shown(all: readonly string[]): string[] {
  return all.length <= mostShown
    ? [...all]
    : [...all.slice(0, mostShown), `… and ${all.length - mostShown} more`];
}
