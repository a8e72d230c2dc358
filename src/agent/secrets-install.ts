import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { installSecrets, type InstallOptions, type InstallReport } from "../secrets/install/install.ts";
import type { Change } from "../secrets/install/plan.ts";
import { rootOf, rootOption } from "./root.ts";
import { readPushed } from "./pushed-values.ts";
import type { AgentContext, AgentVerb } from "./verb.ts";
import { errorText, visible } from "./text.ts";

export const secretsInstall: AgentVerb = {
  options: [
    { name: "manifest", value: "FILE", required: true, summary: "what to install; sources lie beside it" },
    {
      name: "stage",
      value: "STAGE",
      choices: ["default", "users"],
      summary: "default, or users: what is needed before users exist",
    },
    rootOption,
    { name: "dry-run", summary: "say what would happen and change nothing" },
  ],
  examples: [
    "nixseal-agent secrets install --manifest /etc/nixseal/manifest.json",
    "nixseal-agent secrets install --manifest result/manifest.json --root /mnt --dry-run",
  ],
  exits: ["3 some secrets or units failed", "4 an identity or a directory cannot be trusted"],
  run: async (context, values) => {
    const root = await rootOf(context.files, values);
    const report = await installSecrets(context, context.openIdentities, {
      manifest: String(values["manifest"]),
      root,
      pushed: pushedOrNone(context, root),
      stage: values["stage"] === "users" ? "users" : "default",
      dryRun: values["dry-run"] === true || context.environment.get("NIXOS_ACTION") === "dry-activate",
    });
    for (const line of complaints(report)) context.say(`${visible(line)}\n`);
    await context.out(values["json"] === true ? `${JSON.stringify(report)}\n` : visible(summary(report)));
    return report.failures.length + report.problems.length > 0 ? exitCodes.partial : exitCodes.done;
  },
};

/**
 * A list that cannot be used must not keep a host from having its secrets: those of its system were ordered by a warrant, and are at worst
 * older.
 */
function pushedOrNone({ files, say }: AgentContext, root: string): InstallOptions["pushed"] {
  let told = "";
  return async () => {
    try {
      return (await readPushed(files, root)) ?? undefined;
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      const warning = visible(`warning: values that were pushed are left out: ${errorText(error)}`);
      if (warning !== told) say(warning);
      told = warning;
      return undefined;
    }
  };
}

function complaints({ warnings, failures, problems }: InstallReport): string[] {
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...failures.flatMap(({ name, code, message, hint }) => [
      `secret '${name}' failed (${code}): ${message}`,
      ...(hint === null ? [] : [`  hint: ${hint}`]),
    ]),
    ...problems,
  ];
}

function summary({
  host,
  stage,
  dryRun,
  generation,
  secrets,
  restart,
  reload,
  handler,
}: InstallReport): string {
  const moved = secrets.filter(({ change }) => change !== "unchanged");
  const of = stage === "users" ? " (stage users)" : "";
  const would = dryRun ? "would install" : `generation ${generation}`;
  const lines = [
    `${host}${of}: ${would}: ${countsOf(secrets)}`,
    ...moved.map(({ name, change }) => `  ${change.padEnd(8)} ${name}`),
    ...unitLine(dryRun ? "would restart" : handler === "nobody" ? "to restart" : "restarted", restart),
    ...unitLine(dryRun ? "would reload" : handler === "nobody" ? "to reload" : "reloaded", reload),
  ];
  return `${lines.join("\n")}\n`;
}

function unitLine(what: string, units: readonly string[]): string[] {
  return units.length === 0 ? [] : [`  ${what}: ${units.join(" ")}`];
}

const kinds: readonly Change[] = ["added", "changed", "removed", "failed", "unchanged"];

function countsOf(secrets: InstallReport["secrets"]): string {
  const counts = kinds.map((kind) => ({
    kind,
    count: secrets.filter(({ change }) => change === kind).length,
  }));
  const told = counts.filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}`);
  return told.length === 0 ? "no secrets" : told.join(", ");
}
