/** Advisories of many sources as one set: what several say of one vulnerability is one advisory. */
import type { Advisory } from "./advisory.ts";
import { advisoryLimits as limits } from "./advisory.ts";

export class Collection {
  readonly #advisories = new Map<string, Advisory>();

  get size(): number {
    return this.#advisories.size;
  }

  get(id: string): Advisory | undefined {
    return this.#advisories.get(id);
  }

  /** As it was written: no merging. */
  restore(advisory: Advisory): void {
    this.#advisories.set(advisory.id, advisory);
  }

  /**
   * Adds what one import brought. What a source said of an advisory before is replaced by what it says now; what others
   * said stays. `known` limits it to advisories that are there (scores alone make none).
   */
  add(advisories: Iterable<Advisory>, options: { readonly known?: boolean } = {}): number {
    const fresh = new Set<string>();
    let count = 0;
    for (const advisory of advisories) {
      const id = canonicalId(advisory);
      const old = this.#advisories.get(id);
      if (old === undefined && options.known === true) continue;
      const named = { ...advisory, id, aliases: otherNames(id, [advisory.id, ...advisory.aliases]) };
      this.#advisories.set(id, old === undefined ? named : merged(old, named, fresh));
      for (const { source } of advisory.affected) fresh.add(`${id}\0${source}`);
      count++;
    }
    return count;
  }

  /** By id. */
  sorted(): Advisory[] {
    return [...this.#advisories.values()].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  }
}

/** The CVE's id where there is exactly one: that is the name that everybody else uses. */
function canonicalId({ id, aliases }: Advisory): string {
  if (id.startsWith("CVE-")) return id;
  const cves = aliases.filter((alias) => alias.startsWith("CVE-"));
  return cves.length === 1 ? cves[0]! : id;
}

function otherNames(id: string, names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => name !== id).slice(0, limits.aliases);
}

function merged(old: Advisory, added: Advisory, fresh: ReadonlySet<string>): Advisory {
  const replaced = new Set(
    added.affected.map(({ source }) => source).filter((source) => !fresh.has(`${old.id}\0${source}`)),
  );
  return {
    id: old.id,
    aliases: otherNames(old.id, [...old.aliases, ...added.aliases]),
    published: old.published || added.published,
    modified: old.modified > added.modified ? old.modified : added.modified,
    withdrawn: withdrawn(old, added),
    summary: added.summary || old.summary,
    score: added.score ?? old.score,
    rating: added.rating ?? old.rating,
    exploited: added.exploited ?? old.exploited,
    epss: added.epss ?? old.epss,
    references: [...new Set([...old.references, ...added.references])].slice(0, limits.references),
    affected: [...old.affected.filter(({ source }) => !replaced.has(source)), ...added.affected],
    team: { ...old.team, ...added.team },
  };
}

/** Only the CVE's own record takes back the CVE: an alias that was withdrawn was a duplicate, as a rule. */
function withdrawn(old: Advisory, added: Advisory): boolean {
  const ownRecord = !added.aliases.some((alias) => !old.aliases.includes(alias));
  if (added.withdrawn) return ownRecord || old.affected.length === 0;
  return old.withdrawn && added.affected.length === 0;
}
