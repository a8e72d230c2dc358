import { commonOptions } from "./arguments.ts";
import { registry } from "./registry.ts";
import type { AgentVerb, Option } from "./verb.ts";

export function overview(names: readonly string[]): string {
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map((name) => `  ${name.padEnd(width)}  ${registry[name]!.summary}`);
  return `nixseal-agent: the part of nixseal that runs on hosts

${lines.join("\n")}

  nixseal-agent NOUN VERB --help   says more, with an example
  nixseal-agent --version
`;
}

export function helpOf(name: string, verb: AgentVerb): string {
  const { argument, examples, exits } = verb;
  const options = [...verb.options, ...commonOptions];
  const required = verb.options
    .filter((option) => option.required === true)
    .map((option) => ` ${spelled(option)}`);
  const usage = `nixseal-agent ${name}${required.join("")} [OPTIONS]${argument === undefined ? "" : ` ${argument.name}`}`;
  const width = Math.max(...options.map((option) => spelled(option).length), argument?.name.length ?? 0);
  const rows = [
    ...(argument === undefined ? [] : [[argument.name, argument.summary] as const]),
    ...options.map((option) => [spelled(option), option.summary] as const),
  ];
  return `${registry[name]!.summary}

usage: ${usage}

${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n")}

exit codes: ${["0 done", ...exits, "2 usage or configuration", "70 bug"].join(", ")}

for example:
${examples.map((example) => `  ${example}`).join("\n")}
`;
}

function spelled({ name, value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}
