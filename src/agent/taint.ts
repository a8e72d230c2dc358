import { didYouMean } from "../core/suggest.ts";
import { exitCodes } from "../core/exit.ts";
import { readSystems } from "../gate/store/systems.ts";
import type { Step } from "../gate/taint/graph.ts";
import { parseSubject } from "../gate/taint/subject.ts";
import { findTaint, type Tainted, type TaintReport } from "../gate/taint/taint.ts";
import { formatTime } from "../trust/root/root.ts";
import { gateHost } from "./gate-host.ts";
import { rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const taint: AgentVerb = {
  options: [rootOption],
  argument: {
    name: "WHO",
    summary: "SHA256:…, a .pub file, a certificate's serial number, a member, or the name of a cache's key",
  },
  examples: ["nixseal-agent taint alice", "nixseal-agent taint SHA256:… --json"],
  exits: ["1 there is something, or it could not be told"],
  run: async (context, values, argument) => {
    const host = await gateHost(context, values);
    const subject = await parseSubject(context.files, argument);
    const { store, storeDirectory, storeFiles } = host;
    const report = await findTaint(context, {
      subject,
      ledger: host.paths.ledger,
      store,
      storeDirectory,
      storeFiles,
      systems: await readSystems(context.files, host),
    });
    for (const reason of report.unknown) context.say(visible(`warning: ${reason}\n`));
    const document = {
      subject: { ...subject, ...("serial" in subject ? { serial: String(subject.serial) } : {}) },
      findings: report.findings.map((one) => ({ ...one, time: formatTime(one.time) })),
      unknown: report.unknown,
    };
    const text = taintText(argument, report);
    await context.out(values["json"] === true ? `${JSON.stringify(document)}\n` : visible(text));
    return report.findings.length + report.unknown.length > 0 ? exitCodes.findings : exitCodes.done;
  },
};

function taintText(who: string, { findings, unknown, named }: TaintReport): string {
  if (findings.length === 0) {
    const near = named.includes(who) ? undefined : didYouMean(who, named);
    const sure = unknown.length === 0 ? "" : " that could be looked at";
    return `${who} brought nothing${sure}${near === undefined ? "" : `; ${near}`}\n`;
  }
  const live = findings.filter(({ systems }) => systems.length > 0).length;
  const brought = findings.filter(({ chain }) => chain.length === 1).length;
  const head = `${who} brought ${brought} paths; ${findings.length - brought} more depend on them; ${live} are in a system of this host`;
  return `${[head, ...findings.map(findingText)].join("\n")}\n`;
}

function findingText({ path, chain, because, time, present, systems }: Tainted): string {
  const where = [
    ...systems.map((system) => (system === "profile" ? "the boot system" : `the ${system} system`)),
    ...(present === false ? ["gone from the store"] : []),
  ].join(", ");
  const lines = [
    `  ${path}${where === "" ? "" : ` (${where})`}`,
    ...(chain.length === 1 ? [`      ${because}, ${formatTime(time)}`] : chain.slice(1).map(stepText(chain))),
  ];
  return lines.join("\n");
}

function stepText(chain: readonly Step[]) {
  return ({ path, how }: Step, index: number): string => {
    const of = chain[index]!.path;
    return how === "built" ? `      ${path} was built from ${of}` : `      ${path} refers to ${of}`;
  };
}
