import type { Position } from "./ast.ts";
import { fault } from "./faults.ts";

interface Entry {
  readonly at: Position;
  /** There when the value is an attribute set, which others may be merged into. */
  readonly nested: AttributeTable | undefined;
}

/** The names that lead to an attribute, last first. */
export interface Trail {
  readonly name: string;
  readonly before: Trail | undefined;
}

/**
 * The attributes that a set has so far, to find what is defined twice. Follows Nix's `addAttr`: sets given for one name
 * are merged, however deep; anything else that is given twice is an error.
 */
export class AttributeTable {
  #entries = new Map<string, Entry>();

  /** The table of the set at the trail's last name, made when there is none. */
  descend(at: Position, trail: Trail): AttributeTable {
    const found = this.#entries.get(trail.name);
    if (found === undefined) {
      const nested = new AttributeTable();
      this.#entries.set(trail.name, { at, nested });
      return nested;
    }
    if (found.nested === undefined) throw definedTwice(trail, at, found.at);
    return found.nested;
  }

  /** `nested` is given when the value is an attribute set; it is used up. */
  define(entry: Entry, trail: Trail): void {
    const waiting = [{ table: this as AttributeTable, entry, trail }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { table, entry, trail } = next;
      const found = table.#entries.get(trail.name);
      if (found === undefined) {
        table.#entries.set(trail.name, entry);
        continue;
      }
      if (found.nested === undefined || entry.nested === undefined)
        throw definedTwice(trail, entry.at, found.at);
      const into = found.nested;
      for (const [name, inner] of into.#takeSmaller(entry.nested))
        waiting.push({ table: into, entry: inner, trail: { name, before: trail } });
    }
  }

  /** Keeps the larger of both, so that a hostile file can't have the same entries moved at every level. */
  #takeSmaller(other: AttributeTable): ReadonlyMap<string, Entry> {
    const [larger, smaller] =
      other.#entries.size > this.#entries.size
        ? [other.#entries, this.#entries]
        : [this.#entries, other.#entries];
    this.#entries = larger;
    return smaller;
  }
}

function definedTwice(trail: Trail, one: Position, other: Position): Error {
  const [first, second] = one.offset < other.offset ? [one, other] : [other, one];
  return fault(`attribute '${pathOf(trail)}' is already defined at ${first.line}:${first.column}`, second);
}

function pathOf(trail: Trail): string {
  const names: string[] = [];
  for (let step: Trail | undefined = trail; step !== undefined; step = step.before) names.push(step.name);
  const shown = names.slice(0, 20).toReversed().join(".");
  return names.length > 20 ? `….${shown}` : shown;
}
