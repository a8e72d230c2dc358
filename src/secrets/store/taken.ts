/** What taking secrets over from another tool has in common: names, and whose the keys are. */
import { NixsealError } from "../../core/errors.ts";
import type { Fleet } from "../../inventory/model.ts";
import { hostRecipients, memberRecipients } from "../../inventory/recipients.ts";

export interface Owners {
  readonly hosts: readonly string[];
  readonly readers: readonly string[];
}

/** A path becomes a name: `db/admin` is `db-admin`. Characters that no name may have become hyphens too. */
export function secretName(path: string): string {
  return path.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
}

export function requireDistinctNames(
  taken: readonly { readonly name: string; readonly what: string }[],
): void {
  const seen = new Map<string, string>();
  for (const { name, what } of taken) {
    const other = seen.get(name);
    if (other !== undefined)
      throw new NixsealError("config", `'${other}' and '${what}' would both be the secret '${name}'`);
    seen.set(name, what);
  }
}

/**
 * Whose the keys are, for each group of keys. Error `config` names every key that nobody has, with the command that adds
 * it: other tools' files do not say whether a key is a host's or a person's.
 */
export function ownersOfKeys(
  groups: readonly { readonly what: string; readonly keys: readonly string[] }[],
  fleet: Fleet,
): Owners[] {
  const known = keyOwners(fleet);
  const unknown = new Map<string, string>();
  const owners = groups.map(({ what, keys }) => {
    const found = keys.map(withoutComment).flatMap((key) => {
      const owner = known.get(key);
      if (owner === undefined) unknown.set(key, what);
      return owner ?? [];
    });
    const named = (kind: Owner["kind"]): string[] =>
      [...new Set(found.flatMap((owner) => (owner.kind === kind ? [owner.name] : [])))].sort();
    return { hosts: named("host"), readers: named("member") };
  });
  if (unknown.size > 0) throw unknownKeys(unknown);
  return owners;
}

interface Owner {
  readonly kind: "host" | "member";
  readonly name: string;
}

/** A key of a host and a member at once counts for both. */
function keyOwners(fleet: Fleet): Map<string, Owner[]> {
  const owners = new Map<string, Owner[]>();
  const add = (key: string, owner: Owner): void => void owners.set(key, [...(owners.get(key) ?? []), owner]);
  for (const host of fleet.hosts.values())
    for (const key of hostRecipients(host)) add(key, { kind: "host", name: host.name });
  for (const member of fleet.members.values())
    for (const key of memberRecipients(member)) add(key, { kind: "member", name: member.name });
  return owners;
}

function unknownKeys(unknown: ReadonlyMap<string, string>): NixsealError {
  const lines = [...unknown].slice(0, 20).map(([key, what]) => `  ${key} (${what})`);
  return new NixsealError(
    "config",
    `${unknown.size} public keys are of no host or member:\n${lines.join("\n")}`,
    {
      hint: "add each with `nixseal host add NAME --host-key 'KEY'` or `nixseal member add NAME --key FILE`, then import again",
    },
  );
}

function withoutComment(key: string): string {
  return key.startsWith("age1") ? key.trim() : key.trim().split(/\s+/).slice(0, 2).join(" ");
}
