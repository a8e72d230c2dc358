import { NixsealError } from "../core/errors.ts";
import { exitCodes, type ExitCode } from "../core/exit.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Outcome } from "../doctor/attack/attack.ts";
import { attacks } from "../doctor/attack/attacks.ts";
import { Lab, type Tried } from "../doctor/attack/lab.ts";
import type { DoctorFinding } from "../doctor/finding.ts";
import type { GateHost } from "./gate-host.ts";
import type { AgentContext, Values } from "./verb.ts";
import { visible } from "./text.ts";

/** Not below the host's own state, and where programs may run. */
const labParent = "/tmp";

/**
 * Tries the attacks in a laboratory, against this program as the host's gate is set up, and says which of the host's findings would
 * let one through beside it.
 */
export async function doctorAttack(
  context: AgentContext,
  values: Values,
  host: GateHost,
  findings: readonly DoctorFinding[],
): Promise<ExitCode> {
  if ((await context.files.status("/proc/self"))?.uid !== 0)
    throw new NixsealError("refused", "the laboratory starts the gate's root side, and this is not root", {
      hint: "run it as root: it keeps to a directory of its own, which it removes",
    });
  const chosen = chooseAttacks(values["only"]);
  // Without warrants the gate does not stand in the way of activation: then plain Nix is what the host has.
  const kind = host.config?.mode === "warrants" ? "gate" : "plain";
  const kinds =
    values["compare"] === true && kind === "gate" ? (["plain", "gate"] as const) : ([kind] as const);
  const options = { program: context.program, mode: "warrants", parent: labParent } as const;
  const json = values["json"] === true;
  const all: Tried[] = [];
  await Lab.within(context, options, async (lab) => {
    for (const attack of chosen)
      for (const target of kinds) {
        const tried = await lab.try(attack, target);
        all.push(tried);
        if (!json) await context.out(visible(triedText(tried, findings)));
      }
  });
  const judged = all.filter(({ target }) => target === kind);
  const document = { target: kind, attacks: all.map((tried) => triedJson(tried, findings)) };
  await context.out(json ? `${JSON.stringify(document)}\n` : summary(judged, findings));
  const well = judged.every(
    (tried) => tried.outcome.kind === "stopped" && openBy(tried, findings).length === 0,
  );
  return well ? exitCodes.done : exitCodes.findings;
}

function chooseAttacks(only: string | true | undefined) {
  if (typeof only !== "string") return attacks;
  const names = attacks.map(({ name }): string => name);
  return only.split(",").map((word) => {
    const attack = attacks.find(({ name }) => name === word);
    if (attack !== undefined) return attack;
    throw new NixsealError("usage", `there is no attack '${word}'`, {
      hint: didYouMean(word, names) ?? `the attacks are ${names.join(", ")}`,
    });
  });
}

/** What holds on the host and lets the attack go round the gate. What is not known may be such a thing too. */
function openBy({ attack, target }: Tried, findings: readonly DoctorFinding[]): DoctorFinding[] {
  return target === "plain"
    ? []
    : findings.filter(
        ({ enables, severity }) =>
          enables.includes(attack.name) && (severity === "critical" || severity === "high"),
      );
}

function triedJson(tried: Tried, findings: readonly DoctorFinding[]) {
  const { attack, target, outcome } = tried;
  return {
    name: attack.name,
    what: attack.what,
    target,
    outcome,
    openBy: openBy(tried, findings).map(({ id }) => id),
  };
}

function triedText(tried: Tried, findings: readonly DoctorFinding[]): string {
  const { attack, target, outcome } = tried;
  const lines = [
    `${words[outcome.kind]}  ${attack.name}${target === "plain" ? " (plain Nix)" : ""}`,
    `  tried: ${attack.what}`,
    `  ${reasonOf(outcome)}`,
    ...openBy(tried, findings).map(
      ({ id, message }) => `  but on this host it goes round the gate: ${id}: ${message}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

const words: Record<Outcome["kind"], string> = {
  stopped: "stopped  ",
  succeeded: "SUCCEEDED",
  "not-tried": "not tried",
};

function reasonOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "stopped":
      return `stopped by: ${outcome.by}`;
    case "succeeded":
      return `succeeded: ${outcome.how}`;
    case "not-tried":
      return `not tried: ${outcome.why}`;
    default:
      return outcome satisfies never;
  }
}

function summary(judged: readonly Tried[], findings: readonly DoctorFinding[]): string {
  const count = (kind: Outcome["kind"]): number =>
    judged.filter(({ outcome }) => outcome.kind === kind).length;
  const open = judged.filter((tried) => openBy(tried, findings).length > 0).length;
  const parts = [
    `${judged.length} attacks: ${count("stopped")} stopped`,
    `${count("succeeded")} succeeded`,
    `${count("not-tried")} could not be tried`,
    ...(open === 0 ? [] : [`${open} go round the gate on this host`]),
  ];
  return `${parts.join(", ")}\n`;
}
