import type { AnyOp, Flag } from "../ops/op.ts";
import { nouns, registry } from "../ops/registry.ts";
import { globalFlags, kebabCase } from "./arguments.ts";

/** `nixseal --help`: the nouns. */
export function overview(): string {
  const rows = Object.entries(nouns).map(([noun, says]): [string, string] => [noun, says]);
  return `nixseal: the security plane of a NixOS fleet

Usage: nixseal NOUN VERB [ARGUMENTS]

${table(rows)}

\`nixseal NOUN --help\` lists the verbs, \`nixseal NOUN VERB --help\` shows one with an example.
Every verb has --json. Exit codes: 0 done, 1 findings, 2 usage or configuration, 3 partly done,
4 refused by policy, 5 stale data, 70 a bug.
`;
}

/** `nixseal NOUN --help`: its verbs. */
export function nounHelp(noun: string): string {
  const rows = Object.entries(registry)
    .filter(([name]) => name.startsWith(`${noun} `))
    .map(([name, entry]): [string, string] => [`nixseal ${name}`, entry.summary]);
  return `${nouns[noun] ?? noun}\n\n${table(rows)}\n`;
}

/** `nixseal NOUN VERB --help`: its arguments and examples. */
export function verbHelp(name: string, summary: string, operation: AnyOp, flags: readonly Flag[]): string {
  const positional: readonly string[] = operation.positional ?? [];
  const places = positional.map((field) => placeOf(flags.find((flag) => flag.field === field)!));
  const { rest } = operation;
  const own = flags.filter((flag) => !positional.includes(flag.field) && flag.field !== rest);
  if (rest !== undefined) places.push(`-- ${placeOf(flags.find((flag) => flag.field === rest)!)}`);
  const described = [...positional, ...(rest === undefined ? [] : [rest])].map((field): [string, string] => {
    const flag = flags.find((candidate) => candidate.field === field)!;
    return [placeName(flag), says(flag)];
  });
  const sections = [
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    `Usage: nixseal ${[name, ...(own.length > 0 ? ["[FLAGS]"] : []), ...places].join(" ")}`,
    ...(described.length > 0 ? [`Arguments:\n${table(described)}`] : []),
    ...(own.length > 0 ? [`Flags:\n${table(own.map(flagRow))}`] : []),
    `For every verb:\n${table(globalFlags.filter((flag) => !own.some((mine) => mine.field === flag.field)).map(flagRow))}`,
    `Examples:\n${operation.examples.map((example) => `  # ${example.says}\n  ${example.command}`).join("\n")}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

function placeName(flag: Flag): string {
  return flag.value ?? kebabCase(flag.field).toUpperCase();
}

function placeOf(flag: Flag): string {
  const name = flag.many ? `${placeName(flag)}…` : placeName(flag);
  return flag.required ? name : `[${name}]`;
}

function flagRow(flag: Flag): [string, string] {
  const letter = flag.short === undefined ? "    " : `-${flag.short}, `;
  const value = flag.type === "boolean" ? "" : ` ${flag.value ?? "VALUE"}`;
  return [`${letter}--${kebabCase(flag.field)}${value}`, says(flag)];
}

function says(flag: Flag): string {
  const notes = [
    ...(flag.choices === undefined ? [] : [flag.choices.join(", ")]),
    ...(flag.many ? ["may be repeated"] : []),
    ...(flag.default === undefined || flag.default === false || flag.many
      ? []
      : [`default: ${JSON.stringify(flag.default)}`]),
  ];
  return notes.length === 0 ? flag.description : `${flag.description} (${notes.join("; ")})`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) =>
      left.length > width
        ? `  ${left}\n  ${" ".repeat(width)}  ${right}`
        : `  ${left.padEnd(width)}  ${right}`,
    )
    .join("\n");
}
