/**
 * What is known of a Nix value from the source alone. Whatever depends on anything else (an argument, another file,
 * a package) is unknown, and stays so: a guess would turn silence into safety.
 */
export type Value =
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "null" }
  /** `whole` is false when interpolations are not known; each stands as `hole` in the text. */
  | { readonly kind: "text"; readonly text: string; readonly whole: boolean }
  /** A path as written; `hole` where it is not known. */
  | { readonly kind: "path"; readonly text: string }
  /** `whole` is false when there may be more items than these. */
  | { readonly kind: "list"; readonly items: readonly Value[]; readonly whole: boolean }
  | { readonly kind: "set"; readonly entries: ReadonlyMap<string, Value>; readonly whole: boolean }
  | { readonly kind: "unknown" };

/** Stands for what an interpolation would give, and for attribute names that are computed. */
export const hole = "\ufffc";

export const unknown: Value = { kind: "unknown" };

/** The text of a string or path of which every part is known. */
export function wholeText(value: Value | undefined): string | undefined {
  return value?.kind === "text" && value.whole ? value.text : undefined;
}

/** Known strings in a list, or the value itself when it is one string (`extraOptions`, `options`). */
export function textsOf(value: Value): string[] {
  if (value.kind === "text") return [value.text];
  return value.kind === "list"
    ? value.items.flatMap((item) => (item.kind === "text" ? [item.text] : []))
    : [];
}

/** Whether nothing about the value is hidden. What is larger than any option's value is taken to hide something. */
export function isWhole(value: Value): boolean {
  const waiting = [value];
  // Parts may be shared, and so be met more often than there are expressions in the file.
  for (let count = 0; count < 20_000; count++) {
    const next = waiting.pop();
    if (next === undefined) return true;
    if (next.kind === "unknown") return false;
    if (next.kind === "text" && !next.whole) return false;
    if ((next.kind === "list" || next.kind === "set") && !next.whole) return false;
    if (next.kind === "list") for (const item of next.items) waiting.push(item);
    if (next.kind === "set") for (const inner of next.entries.values()) waiting.push(inner);
  }
  return false;
}
