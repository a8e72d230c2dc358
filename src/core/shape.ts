import { NixsealError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/**
 * Checks for values that came out of `JSON.parse`, small enough for the agent, which loads no schema library.
 * A check returns the value with its type, or throws `config` with the JSON path of what is wrong (`$.secrets[3].mode`).
 */
export type Check<T> = (value: unknown, path: string) => T;

/**
 * An object with exactly these keys: a key that nobody reads is a mistake that nobody notices. `sorted` demands the
 * order of canonical JSON too, without which one value has many spellings.
 */
export function object<T extends object>(
  shape: { readonly [K in keyof T]: Check<T[K]> },
  order: "any" | "sorted" = "any",
): Check<T> {
  const fields = Object.entries<Check<unknown>>(shape);
  const names = fields.map(([name]) => name);
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrong(path, "an object", value);
    let before = "";
    for (const key of Object.keys(value)) {
      if (order === "sorted" && key < before)
        throw new NixsealError("config", `${path}: key ${brief(key)} must stand before ${brief(before)}`);
      before = key;
      if (names.includes(key)) continue;
      const near = didYouMean(key, names);
      throw new NixsealError("config", `${path}: unknown key ${brief(key)}`, {
        hint: near ?? `the keys are ${names.join(", ")}`,
      });
    }
    const source = value as Record<string, unknown>;
    const checked: Record<string, unknown> = {};
    for (const [name, check] of fields) {
      if (!Object.hasOwn(source, name)) throw new NixsealError("config", `${path}: key '${name}' is missing`);
      checked[name] = check(source[name], `${path}.${name}`);
    }
    return checked as T;
  };
}

/** A list of at most `most` (error `limit`) and at least `least` elements. */
export function list<T>(check: Check<T>, most: number, least = 0): Check<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(path, "a list", value);
    if (value.length > most)
      throw new NixsealError("limit", `${path}: ${value.length} elements, at most ${most} are accepted`);
    if (value.length < least) throw new NixsealError("config", `${path}: at least ${least} needed`);
    return value.map((element, index) => check(element, `${path}[${index}]`));
  };
}

/** A string that the predicate accepts; `expected` says in words what it accepts. */
export function text(accepts: (value: string) => boolean, expected: string): Check<string> {
  return (value, path) => {
    if (typeof value !== "string" || !accepts(value)) throw wrong(path, expected, value);
    return value;
  };
}

export function oneOf<T extends string | number>(...values: readonly T[]): Check<T> {
  return (value, path) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined)
      throw wrong(path, values.map((known) => JSON.stringify(known)).join(" or "), value);
    return found;
  };
}

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, path) => (value === null ? null : check(value, path));
}

export function wrong(path: string, expected: string, found: unknown): NixsealError {
  return new NixsealError("config", `${path}: expected ${expected}, found ${brief(found)}`);
}

/** What was found, short and without control characters, so that a message stays one line. */
function brief(value: unknown): string {
  if (typeof value === "string") {
    const shown = JSON.stringify(value.slice(0, 60));
    return value.length > 60 ? `${shown.slice(0, -1)}…"` : shown;
  }
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
