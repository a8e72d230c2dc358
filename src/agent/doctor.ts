import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { parseGateConfig, gateConfigFile } from "../gate/config.ts";
import { utf8 } from "../core/bytes.ts";
import { checks, examine } from "../doctor/doctor.ts";
import { bySeverity, type DoctorFinding } from "../doctor/finding.ts";
import { accountOf } from "../doctor/host.ts";
import { doctorAttack } from "./doctor-attack.ts";
import { gateHost } from "./gate-host.ts";
import { rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const doctor: AgentVerb = {
  options: [
    rootOption,
    {
      name: "attack",
      summary: "try the attacks in a laboratory beside the real store, and say what stops each",
    },
    { name: "only", value: "NAMES", summary: "with --attack: these attacks, with commas between" },
    { name: "compare", summary: "with --attack: also against Nix as the usual how-tos set it up" },
  ],
  examples: [
    "nixseal-agent doctor",
    "nixseal-agent doctor --root /mnt --json",
    "nixseal-agent doctor --attack --only planting,replayed",
  ],
  exits: ["1 findings, or something could not be told or tried"],
  run: async (context, values) => {
    for (const name of ["only", "compare"])
      if (values[name] !== undefined && values["attack"] === undefined)
        throw new NixsealError("usage", `--${name} goes with --attack`);
    const gate = await gateHost(context, values);
    const { root, paths } = gate;
    const config = gate.config ?? withoutGate;
    const host = {
      root,
      files: context.files,
      processes: root === "" ? context.processes : null,
      now: context.clock.now(),
      config,
      paths,
      deploy: await accountOf({ files: context.files, root }, config.user),
    };
    const found = await examine(host);
    const findings = gate.config === null ? [noGate, ...found].sort(bySeverity) : found;
    if (values["attack"] === true) return doctorAttack(context, values, gate, findings);
    const text = `${[...findings.map(findingText), summary(findings)].join("\n")}\n`;
    const document = { checks: checks.map(({ id }) => id), findings };
    await context.out(values["json"] === true ? `${JSON.stringify(document)}\n` : visible(text));
    return findings.some(({ severity }) => severity !== "info") ? exitCodes.findings : exitCodes.done;
  },
};

const noGate: DoctorFinding = {
  id: "no-gate",
  severity: "critical",
  verdict: "affected",
  file: gateConfigFile,
  message: "this host has no gate: whoever may upload can become root",
  enables: ["planting", "laundering", "content-addressed"],
  hint: "run nixseal host setup, or import the NixOS module",
};

/** The rest is worth looking at all the same, in the usual places. */
const withoutGate = parseGateConfig(
  utf8(
    JSON.stringify({
      v: 1,
      fleet: "none",
      host: "none",
      tags: [],
      storeDirectory: "/nix/store",
      store: null,
      user: "deploy",
      mode: "warrants",
      root: "/etc/nixseal/root.json",
      upstream: ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="],
      confirm: null,
      health: [],
      quarantine: { bytes: 0, days: 1 },
      profile: "/nix/var/nix/profiles/system",
      hostKey: "/etc/ssh/ssh_host_ed25519_key",
    }),
  ),
);

function findingText({ id, severity, verdict, file, line, message, enables, hint }: DoctorFinding): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  const lines = [
    `${verdict === "unknown" ? "unknown " : ""}${severity} ${id}: ${place}${message}`,
    ...(enables.length === 0 ? [] : [`  lets through: ${enables.join(", ")}`]),
    `  hint: ${hint}`,
  ];
  return lines.join("\n");
}

function summary(findings: readonly DoctorFinding[]): string {
  const unknown = findings.filter(({ verdict }) => verdict === "unknown").length;
  const held = findings.length - unknown;
  return `${checks.length} checks: ${held} findings${unknown === 0 ? "" : `, ${unknown} could not be told`}`;
}
