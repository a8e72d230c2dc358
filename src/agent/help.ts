import { commonOptions } from "./arguments.ts";
import type { AgentVerb, Option } from "./verb.ts";

export function overview(verbs: readonly AgentVerb[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `nixseal-agent: the part of nixseal that runs on hosts

${lines.join("\n")}

  nixseal-agent NOUN VERB --help   says more, with an example
  nixseal-agent --version
`;
}

export function helpOf(verb: AgentVerb): string {
  const { name, summary, argument, examples, exits } = verb;
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
  return `${summary}

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
