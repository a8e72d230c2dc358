import { posix } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Fleet } from "../../inventory/model.ts";
import { hostRecipients, memberRecipients } from "../../inventory/recipients.ts";

/** A secret as agenix's rules file has it: a file beside the rules, and the public keys it is for. */
export interface AgenixRule {
  /** Relative to the directory of the rules file, `NAME.age`. */
  readonly file: string;
  readonly publicKeys: readonly string[];
}

/** The same in the inventory's words. */
export interface TakenRule {
  readonly name: string;
  readonly file: string;
  readonly hosts: readonly string[];
  readonly readers: readonly string[];
}

export const agenixLimit = 16 << 20;
const mostRules = 10_000;

/** The rules as `nix-instantiate --eval --json --strict` prints them. `malformed` with the rule that is wrong. */
export function parseAgenixRules(json: string): AgenixRule[] {
  const value: unknown = JSON.parse(json);
  if (!isObject(value)) throw malformed("the rules are not an attribute set");
  const rules = Object.entries(value);
  if (rules.length > mostRules) throw new NixsealError("limit", `more than ${mostRules} rules`);
  return rules.map(([file, rule]) => {
    if (!isObject(rule) || !isTexts(rule["publicKeys"])) throw malformed(`'${file}' has no list publicKeys`);
    if (!file.endsWith(".age") || file.startsWith("/") || posix.normalize(file).startsWith(".."))
      throw malformed(`'${file}' is not a .age file below the rules file`);
    return { file, publicKeys: rule["publicKeys"] };
  });
}

/** A path becomes a name: `db/admin.age` is `db-admin`. Characters that no name may have become hyphens too. */
export function nameOfRule(file: string): string {
  return file
    .replace(/\.age$/, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "");
}

/**
 * Finds the rules' keys among the hosts and members. Error `config` names every key that nobody has, with the command
 * that adds it: agenix's rules do not say whether a key is a host's or a person's.
 */
export function takeRules(rules: readonly AgenixRule[], fleet: Fleet): TakenRule[] {
  const owners = keyOwners(fleet);
  const unknown = new Map<string, string>();
  const taken = rules.map(({ file, publicKeys }) => {
    const found = publicKeys.map(withoutComment).flatMap((key) => {
      const owner = owners.get(key);
      if (owner === undefined) unknown.set(key, file);
      return owner ?? [];
    });
    const named = (kind: Owner["kind"]) =>
      [...new Set(found.filter((owner) => owner.kind === kind).map(({ name }) => name))].sort();
    return { name: nameOfRule(file), file, hosts: named("host"), readers: named("member") };
  });
  if (unknown.size > 0) throw unknownKeys(unknown);
  requireDistinct(taken);
  return taken;
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
  const lines = [...unknown].slice(0, 20).map(([key, file]) => `  ${key} (${file})`);
  return new NixsealError(
    "config",
    `${unknown.size} public keys are of no host or member:\n${lines.join("\n")}`,
    {
      hint: "add each with `nixseal host add NAME --host-key 'KEY'` or `nixseal member add NAME --key FILE`, then import again",
    },
  );
}

function requireDistinct(taken: readonly TakenRule[]): void {
  const files = new Map<string, string>();
  for (const { name, file } of taken) {
    const other = files.get(name);
    if (other !== undefined)
      throw new NixsealError("config", `'${other}' and '${file}' would both be the secret '${name}'`);
    files.set(name, file);
  }
}

function withoutComment(key: string): string {
  return key.startsWith("age1") ? key.trim() : key.trim().split(/\s+/).slice(0, 2).join(" ");
}

function malformed(problem: string): NixsealError {
  return new NixsealError("malformed", problem, {
    hint: "give the rules file that `agenix` reads, usually secrets.nix",
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
