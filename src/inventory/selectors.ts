import { NixsealError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { shown } from "./problem.ts";
import type { Fleet, Host, Member, Secret } from "./model.ts";
import { entryMatches, parseSelectorEntry, selectorPicks, type SelectorEntry } from "./selector-entry.ts";

interface Subject {
  readonly name: string;
}

/** What selectors choose from: the names, and who bears a label (a host's tags, a member's groups). */
export interface Population<T extends Subject> {
  readonly kind: "host" | "member" | "secret";
  readonly byName: ReadonlyMap<string, T>;
  readonly byLabel: ReadonlyMap<string, readonly T[]>;
}

/** Why an entry is wrong: it is no selector, of the wrong kind, or matches nothing. */
export interface SelectorFault {
  readonly index: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function hostPopulation(fleet: Pick<Fleet, "hosts" | "tags">): Population<Host> {
  return { kind: "host", byName: fleet.hosts, byLabel: fleet.tags };
}

export function memberPopulation(fleet: Pick<Fleet, "members" | "groups">): Population<Member> {
  return { kind: "member", byName: fleet.members, byLabel: fleet.groups };
}

/** Secrets bear no labels: names and globs select them. */
export function secretPopulation(fleet: Pick<Fleet, "secrets">): Population<Secret> {
  return { kind: "secret", byName: fleet.secrets, byLabel: new Map() };
}

/**
 * The hosts that a selector from the command line picks, sorted by name. Throws `usage` for an entry
 * that is no selector, `not-found` for one that matches nothing and when nothing is left.
 */
export function selectHosts(fleet: Fleet, texts: readonly string[]): Host[] {
  return select(hostPopulation(fleet), texts);
}

/** As `selectHosts`, for members. */
export function selectMembers(fleet: Fleet, texts: readonly string[]): Member[] {
  return select(memberPopulation(fleet), texts);
}

/** As `selectHosts`, for secrets. */
export function selectSecrets(fleet: Pick<Fleet, "secrets">, texts: readonly string[]): Secret[] {
  return select(secretPopulation(fleet), texts);
}

function select<T extends Subject>(population: Population<T>, texts: readonly string[]): T[] {
  const { entries, faults } = readSelector(population, texts);
  const [fault] = faults;
  if (fault !== undefined) {
    const code = parseSelectorEntry(texts[fault.index]!) === null ? "usage" : "not-found";
    throw new NixsealError(code, fault.message, { hint: fault.hint });
  }
  const picked = pick(population, entries);
  if (picked.length > 0) return picked;
  throw new NixsealError("not-found", `'${texts.join(" ")}' selects no ${population.kind}`, {
    hint: "the entries with '!' take away all that the others select",
  });
}

/** Who an already checked selector picks, sorted by name. */
export function pick<T extends Subject>(population: Population<T>, entries: readonly SelectorEntry[]): T[] {
  const names = new Set<string>();
  for (const entry of entries)
    if (!entry.negative) for (const name of namesOf(population, entry)) names.add(name);
  if (entries.length > 0 && entries.every((entry) => entry.negative))
    for (const name of population.byName.keys()) names.add(name);
  for (const entry of entries)
    if (entry.negative) for (const name of namesOf(population, entry)) names.delete(name);
  return [...names].sort().map((name) => population.byName.get(name)!);
}

/** Whether a checked selector picks this one host. */
export function picksHost(entries: readonly SelectorEntry[], host: Host): boolean {
  return selectorPicks(entries, { name: host.name, labels: host.tags });
}

/** Reads and checks a selector; entries with a fault are left out. */
export function readSelector<T extends Subject>(
  population: Population<T>,
  texts: readonly string[],
): { entries: SelectorEntry[]; faults: SelectorFault[] } {
  const entries: SelectorEntry[] = [];
  const faults: SelectorFault[] = [];
  for (const [index, text] of texts.entries()) {
    const entry = parseSelectorEntry(text);
    const fault = entry === null ? notASelector(text) : faultOf(population, entry);
    if (fault !== undefined) faults.push({ index, ...fault });
    else entries.push(entry!);
  }
  return { entries, faults };
}

function notASelector(text: string): Omit<SelectorFault, "index"> {
  return {
    message: `found ${shown(text)}, expected a selector`,
    hint: "a name, a glob (web-*), tag:TAG for hosts, group:GROUP for members, or one of these after '!'",
  };
}

function faultOf<T extends Subject>(
  population: Population<T>,
  entry: SelectorEntry,
): Omit<SelectorFault, "index"> | undefined {
  const { kind, byName, byLabel } = population;
  if (kind === "secret" && (entry.kind === "tag" || entry.kind === "group"))
    return {
      message: `'${entry.text}' cannot select secrets`,
      hint: "secrets are selected by name or by a glob",
    };
  if (kind === "host" && entry.kind === "group")
    return {
      message: `'${entry.text}' cannot select hosts`,
      hint: `groups are of members; hosts have tags: 'tag:${entry.pattern}'`,
    };
  if (kind === "member" && entry.kind === "tag")
    return {
      message: `'${entry.text}' cannot select members`,
      hint: `tags are of hosts; members have groups: 'group:${entry.pattern}'`,
    };
  if (!namesOf(population, entry).next().done) return undefined;
  const sign = entry.negative ? "!" : "";
  const known =
    entry.kind === "name" || entry.kind === "glob"
      ? [...byName.keys()]
      : [...byLabel.keys()].map((label) => `${entry.kind}:${label}`);
  const typed = entry.text.slice(sign.length);
  const labelled = byLabel.has(entry.pattern)
    ? `${kind === "host" ? "tag" : "group"}:${entry.pattern}`
    : undefined;
  const near =
    entry.kind === "name" && labelled !== undefined
      ? `did you mean '${sign}${labelled}'?`
      : didYouMean(typed, known);
  return {
    message: `'${entry.text}' matches no ${kind}`,
    hint:
      near ??
      (byName.size === 0 ? `the fleet has no ${kind}s yet` : `'${listCommand(kind)}' shows what there is`),
  };
}

function* namesOf<T extends Subject>(population: Population<T>, entry: SelectorEntry): Generator<string> {
  if (entry.kind === "name") {
    if (population.byName.has(entry.pattern)) yield entry.pattern;
  } else if (entry.kind === "glob") {
    for (const name of population.byName.keys()) if (entryMatches(entry, { name, labels: [] })) yield name;
  } else {
    for (const { name } of population.byLabel.get(entry.pattern) ?? []) yield name;
  }
}

/** The host of exactly this name. Throws `not-found` with the nearest one. */
export function oneHost(fleet: Fleet, name: string): Host {
  return one(hostPopulation(fleet), name);
}

/** The member of exactly this name. Throws `not-found` with the nearest one. */
export function oneMember(fleet: Fleet, name: string): Member {
  return one(memberPopulation(fleet), name);
}

/** The secret of exactly this name. Throws `not-found` with the nearest one. */
export function oneSecret(fleet: Pick<Fleet, "secrets">, name: string): Secret {
  return one(secretPopulation(fleet), name);
}

function one<T extends Subject>({ kind, byName }: Population<T>, name: string): T {
  const found = byName.get(name);
  if (found !== undefined) return found;
  throw new NixsealError("not-found", `there is no ${kind} '${name}'`, {
    hint: didYouMean(name, byName.keys()) ?? `'${listCommand(kind)}' shows what there is`,
  });
}

function listCommand(kind: Population<Subject>["kind"]): string {
  return kind === "secret" ? "nixseal secrets list" : `nixseal ${kind} list`;
}
