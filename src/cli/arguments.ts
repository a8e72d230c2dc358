import { parseArgs, type ParseArgsConfig } from "node:util";
import { NixsealError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Flag } from "../ops/op.ts";

/** Flags that every verb has. */
export const globalFlags: readonly Flag[] = [
  { field: "help", short: "h", type: "boolean", many: false, required: false, description: "show this help" },
  { field: "json", type: "boolean", many: false, required: false, description: "print one JSON document" },
  {
    field: "events",
    type: "boolean",
    many: false,
    required: false,
    description: "write progress as NDJSON to stderr",
  },
  {
    field: "fleet",
    type: "string",
    value: "DIR",
    many: false,
    required: false,
    description: "the directory of fleet.toml (default: search upwards)",
  },
  {
    field: "passphraseFd",
    type: "number",
    value: "N",
    many: false,
    required: false,
    description: "read passphrases from this file descriptor",
  },
];

export interface Arguments {
  readonly globals: Readonly<Record<string, unknown>>;
  readonly input: Readonly<Record<string, unknown>>;
}

export function kebabCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Maps a verb's words to its input fields. Errors are `usage`, with the nearest flag when one is mistyped. `rest` is the field that
 * takes all words after `--`; without it they are positional.
 */
export function parseArguments(
  words: readonly string[],
  flags: readonly Flag[],
  positional: readonly string[],
  rest?: string,
): Arguments {
  // A verb's own flag wins over a global one of the same letter or name.
  const taken = new Set(flags.flatMap((flag) => [flag.field, flag.short ?? ""]));
  const globals = globalFlags.filter((flag) => !taken.has(flag.field));
  const known = new Map<string, Flag>();
  for (const flag of [...flags, ...globals]) known.set(kebabCase(flag.field), flag);
  const dashes = rest === undefined ? -1 : words.indexOf("--");
  const { tokens } = parseArgs({
    args: dashes < 0 ? [...words] : words.slice(0, dashes),
    options: options(known, taken),
    strict: false,
    tokens: true,
  });

  const values: Record<string, unknown> = {};
  const places: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") places.push(token.value);
    if (token.kind !== "option") continue;
    const flag = known.get(token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, known.keys());
    const value = valueOf(flag, token.rawName, token.value);
    if (flag.many) values[flag.field] = [...((values[flag.field] as unknown[] | undefined) ?? []), value];
    else if (flag.field in values && flag.type !== "boolean") throw usage(`${token.rawName} is given twice`);
    else values[flag.field] = value;
  }
  if (dashes >= 0) values[rest!] = words.slice(dashes + 1);
  takePositional(places, positional, flags, values, rest);

  const split = (list: readonly Flag[]): Record<string, unknown> =>
    Object.fromEntries(
      list.filter((flag) => flag.field in values).map((flag) => [flag.field, values[flag.field]]),
    );
  return { globals: split(globals), input: split(flags) };
}

function options(known: ReadonlyMap<string, Flag>, taken: ReadonlySet<string>): ParseArgsConfig["options"] {
  const result: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, flag] of known) {
    const ownsLetter = flag.short !== undefined && (!globalFlags.includes(flag) || !taken.has(flag.short));
    result[name] = {
      type: flag.type === "boolean" ? "boolean" : "string",
      ...(ownsLetter ? { short: flag.short } : {}),
    };
  }
  return result;
}

function valueOf(flag: Flag, rawName: string, value: string | undefined): unknown {
  if (flag.type === "boolean") {
    if (value !== undefined) throw usage(`${rawName} takes no value`);
    return true;
  }
  if (value === undefined) throw usage(`${rawName} needs a value (${flag.value ?? "VALUE"})`);
  if (flag.type === "string") return value;
  if (!/^-?\d+$/.test(value)) throw usage(`${rawName} needs a whole number, not '${value}'`);
  return Number(value);
}

function takePositional(
  places: readonly string[],
  positional: readonly string[],
  flags: readonly Flag[],
  values: Record<string, unknown>,
  rest: string | undefined,
): void {
  let next = 0;
  for (const field of positional) {
    const flag = flags.find((candidate) => candidate.field === field)!;
    if (next >= places.length) continue;
    if (flag.many) {
      values[field] = places.slice(next);
      next = places.length;
    } else values[field] = valueOf(flag, field.toUpperCase(), places[next++]);
  }
  if (next < places.length) throw usage(`unexpected argument '${places[next]}'`);
  for (const flag of flags) {
    if (!flag.required || flag.field in values) continue;
    if (flag.field === rest)
      throw new NixsealError("usage", "there is no command", {
        hint: "it stands behind two dashes: -- COMMAND",
      });
    const name = positional.includes(flag.field)
      ? kebabCase(flag.field).toUpperCase()
      : `--${kebabCase(flag.field)}`;
    throw usage(`${name} is missing`);
  }
}

function unknownFlag(rawName: string, names: Iterable<string>): NixsealError {
  const near = didYouMean(
    rawName,
    Array.from(names, (name) => `--${name}`),
  );
  return new NixsealError("usage", `unknown flag '${rawName}'`, { hint: near ?? "see --help" });
}

function usage(message: string): NixsealError {
  return new NixsealError("usage", message, { hint: "see --help" });
}
