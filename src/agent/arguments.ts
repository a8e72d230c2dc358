import { parseArgs } from "node:util";
import { NixsealError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import type { AgentVerb, Option, Values } from "./verb.ts";

/** Options that every verb has. */
export const commonOptions: readonly Option[] = [
  { name: "json", summary: "print one JSON document on stdout, also for an error" },
  { name: "help", summary: "show this help" },
];

/** Maps the words after a verb's name to its options. Errors are `usage`, with the option that was probably meant. */
export function parseWords(
  verb: AgentVerb,
  words: readonly string[],
): { readonly values: Values; readonly argument: string } {
  const options = [...verb.options, ...commonOptions];
  const known = new Map(options.map((option) => [option.name, option]));
  const config = Object.fromEntries(
    options.map(({ name, value }) => [name, { type: value === undefined ? "boolean" : "string" } as const]),
  );
  const { tokens } = parseArgs({
    args: words.map((word) => (word === "-h" ? "--help" : word)),
    options: config,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string | true> = {};
  const places: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") places.push(token.value);
    if (token.kind !== "option") continue;
    const option = known.get(token.name);
    if (option === undefined) throw unknownOption(token.rawName, known.keys());
    if (Object.hasOwn(values, option.name) && option.value !== undefined)
      throw usage(`--${option.name} is given twice`);
    values[option.name] = valueOf(option, token.value);
  }
  if (values["help"] === undefined) demand(verb, values, places);
  return { values, argument: places[0] ?? "" };
}

function valueOf(option: Option, value: string | undefined): string | true {
  const { name } = option;
  if (option.value === undefined) {
    if (value !== undefined) throw usage(`--${name} takes no value`);
    return true;
  }
  if (value === undefined || value === "") throw usage(`--${name} needs a value (${option.value})`);
  if (option.choices !== undefined && !option.choices.includes(value))
    throw new NixsealError("usage", `--${name} cannot be '${value}'`, {
      hint: didYouMean(value, option.choices) ?? `it is one of ${option.choices.join(", ")}`,
    });
  return value;
}

function demand(verb: AgentVerb, values: Values, places: readonly string[]): void {
  const wanted = verb.argument === undefined ? 0 : 1;
  if (places.length > wanted) throw usage(`unexpected argument '${places[wanted]}'`);
  if (places.length < wanted) throw usage(`${verb.argument!.name} is missing`);
  for (const { name, required } of verb.options)
    if (required === true && values[name] === undefined) throw usage(`--${name} is missing`);
}

function unknownOption(rawName: string, names: Iterable<string>): NixsealError {
  const near = didYouMean(
    rawName,
    Array.from(names, (name) => `--${name}`),
  );
  return new NixsealError("usage", `unknown option '${rawName}'`, { hint: near ?? "see --help" });
}

function usage(message: string): NixsealError {
  return new NixsealError("usage", message, { hint: "see --help" });
}
