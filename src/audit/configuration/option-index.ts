import { hole } from "./value.ts";
import type { Definition } from "./definitions.ts";

interface Pattern<Item> {
  readonly names: readonly string[];
  /** `**` at the end: anything below. */
  readonly below: boolean;
  readonly item: Item;
}

/** Finds who asks for an option. Looked up by last name, since a fleet has many definitions and few are asked for. */
export class OptionIndex<Item> {
  readonly #byLast = new Map<string, Pattern<Item>[]>();
  readonly #others: Pattern<Item>[] = [];
  /** By the last name of what lies above an option: a value there that is not known may hide the option. */
  readonly #byAbove = new Map<string, Pattern<Item>[]>();

  add(option: string, item: Item): void {
    const names = namesOf(option);
    const below = names.at(-1) === "**";
    const pattern = { names: below ? names.slice(0, -1) : names, below, item };
    if (below || names.at(-1) === "*") this.#others.push(pattern);
    else push(this.#byLast, names.at(-1)!, pattern);
    if (below) return;
    for (let length = 2; length < names.length; length++)
      if (names[length - 1] !== "*")
        push(this.#byAbove, names[length - 1]!, { names: names.slice(0, length), below: false, item });
  }

  /** Who asks for exactly this option, each once. */
  matching({ path }: Definition): readonly Item[] {
    const found: Item[] = [];
    if (declares(path)) return found;
    for (const { names, item } of this.#byLast.get(path.at(-1) ?? "") ?? [])
      if (endsWith(path, names) && !found.includes(item)) found.push(item);
    for (const { names, below, item } of this.#others)
      if ((below ? passesThrough(path, names) : endsWith(path, names)) && !found.includes(item))
        found.push(item);
    return found;
  }

  /** Who asks for an option that lies below this definition. */
  hiddenBy({ path }: Definition): readonly Item[] {
    const found: Item[] = [];
    if (declares(path)) return found;
    for (const { names, item } of this.#byAbove.get(path.at(-1) ?? "") ?? [])
      if (endsWith(path, names) && !found.includes(item)) found.push(item);
    return found;
  }
}

/** `a."b.c".*`: names as in Nix. */
export function namesOf(option: string): string[] {
  return Array.from(option.matchAll(/"([^"]*)"|[^."]+/g), (match) => match[1] ?? match[0]);
}

function endsWith(path: readonly string[], names: readonly string[]): boolean {
  return path.length >= names.length && fitsAt(path, path.length - names.length, names);
}

function passesThrough(path: readonly string[], names: readonly string[]): boolean {
  for (let offset = 0; offset + names.length < path.length; offset++)
    if (fitsAt(path, offset, names)) return true;
  return false;
}

/** From the last name: that is where two options differ most often. */
function fitsAt(path: readonly string[], offset: number, names: readonly string[]): boolean {
  for (let index = names.length - 1; index >= 0; index--)
    if (!fits(names[index]!, path[offset + index]!)) return false;
  return true;
}

/** `options.services.x = mkOption …` says that an option exists, not what it is. */
function declares(path: readonly string[]): boolean {
  return path[0] === "options" || path[0] === "meta";
}

function fits(name: string, actual: string): boolean {
  return name === "*" || name === actual || (actual === hole && name !== "[]");
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
