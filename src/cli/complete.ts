import { registry } from "../ops/registry.ts";
import { globalFlags, kebabCase } from "./arguments.ts";

/** What may stand where the last word stands: verbs first, then the verb's flags and choices. */
export async function complete(words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const fitting = (candidates: Iterable<string>): string[] =>
    [...new Set(candidates)].filter((candidate) => candidate.startsWith(typed)).sort();

  const names = Object.keys(registry).map((name) => name.split(" "));
  const verb = names.find((name) => name.every((word, index) => before[index] === word));
  if (verb === undefined) {
    const open = names.filter((name) => before.every((word, index) => name[index] === word));
    return fitting(open.flatMap((name) => name[before.length] ?? []));
  }
  const operation = await registry[verb.join(" ")]!.load();
  if (operation.rest !== undefined && before.includes("--")) return []; // the words of another program
  const flags = operation.flags();
  const place = before.slice(verb.length).filter((word) => !word.startsWith("-")).length;
  const field = operation.positional?.[place];
  const choices = flags.find((flag) => flag.field === field)?.choices ?? [];
  if (!typed.startsWith("-")) return fitting(choices);
  return fitting(
    [...flags, ...globalFlags]
      .filter((flag) => !(operation.positional as string[] | undefined)?.includes(flag.field))
      .map((flag) => `--${kebabCase(flag.field)}`),
  );
}
