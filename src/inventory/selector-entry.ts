import { globMatches, isGlob } from "./glob.ts";

/** One entry of a selector: a name, a glob, `tag:T` (hosts) or `group:G` (members), with `!` in front or not. */
export interface SelectorEntry {
  readonly text: string;
  readonly negative: boolean;
  readonly kind: "name" | "glob" | "tag" | "group";
  /** The text without `!` and without `tag:` or `group:`. */
  readonly pattern: string;
}

/** What an entry looks like. Tags and groups are compared exactly; only names may be globs. */
export const selectorPattern =
  /^!?(?:(?:tag:|group:)[A-Za-z0-9][A-Za-z0-9._-]{0,63}|[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,63})$/;

/** null when the text is no selector entry. */
export function parseSelectorEntry(text: string): SelectorEntry | null {
  if (!selectorPattern.test(text)) return null;
  const negative = text.startsWith("!");
  const body = negative ? text.slice(1) : text;
  for (const kind of ["tag", "group"] as const)
    if (body.startsWith(`${kind}:`)) return { text, negative, kind, pattern: body.slice(kind.length + 1) };
  return { text, negative, kind: isGlob(body) ? "glob" : "name", pattern: body };
}

/** Something that a selector may pick: a host with its tags, or a member with its groups. */
export interface Candidate {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Whether the entry, its `!` aside, is about this candidate. */
export function entryMatches(entry: SelectorEntry, candidate: Candidate): boolean {
  if (entry.kind === "name") return entry.pattern === candidate.name;
  if (entry.kind === "glob") return globMatches(entry.pattern, candidate.name);
  return candidate.labels.includes(entry.pattern);
}

/**
 * Whether the selector picks the candidate: some positive entry does (or there are only negative ones) and no
 * negative one does. The order of entries does not matter. An empty selector picks nothing.
 */
export function selectorPicks(entries: readonly SelectorEntry[], candidate: Candidate): boolean {
  let positives = 0;
  let picked = false;
  for (const entry of entries) {
    if (!entry.negative) positives++;
    if (!entryMatches(entry, candidate)) continue;
    if (entry.negative) return false;
    picked = true;
  }
  return picked || (positives === 0 && entries.length > 0);
}
