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

  /** Who asks for exactly this option. */
  matching({ path }: Definition): Set<Item> {
    const found = new Set<Item>();
    for (const pattern of this.#byLast.get(path.at(-1) ?? "") ?? [])
      if (endsWith(path, pattern.names)) found.add(pattern.item);
    for (const pattern of this.#others) {
      if (pattern.below ? passesThrough(path, pattern.names) : endsWith(path, pattern.names))
        found.add(pattern.item);
    }
    return found;
  }

  /** Who asks for an option that lies below this definition. */
  hiddenBy({ path }: Definition): Set<Item> {
    const found = new Set<Item>();
    for (const pattern of this.#byAbove.get(path.at(-1) ?? "") ?? [])
      if (endsWith(path, pattern.names)) found.add(pattern.item);
    return found;
  }
}

/** `a."b.c".*`: names as in Nix. */
function namesOf(option: string): string[] {
  return Array.from(option.matchAll(/"([^"]*)"|[^."]+/g), (match) => match[1] ?? match[0]);
}

function endsWith(path: readonly string[], names: readonly string[]): boolean {
  const offset = path.length - names.length;
  return offset >= 0 && !declares(path) && names.every((name, index) => fits(name, path[offset + index]!));
}

function passesThrough(path: readonly string[], names: readonly string[]): boolean {
  if (declares(path)) return false;
  for (let offset = 0; offset + names.length < path.length; offset++)
    if (names.every((name, index) => fits(name, path[offset + index]!))) return true;
  return false;
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
