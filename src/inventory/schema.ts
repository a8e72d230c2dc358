/** The shape of fleet.toml and of the files that it includes. The JSON Schema for editors comes from it too. */
import * as z from "zod";
import * as rules from "./field-rules.ts";
import { selectorPattern } from "./selector-entry.ts";

/** Far above any real fleet, and low enough that a hostile file costs nothing. */
export const entryLimits = { list: 1024, units: 64, text: 16 << 10 } as const;

// Each schema carries what it expects as its message: the reader of an error sees "found X, expected Y".
function text(rule: rules.Rule): z.ZodString {
  const error = rule.expected;
  const matched = z.string({ error }).max(entryLimits.text, { error }).regex(rule.pattern, { error });
  if (rule.also === undefined) return matched;
  return matched.refine((value) => !rule.pattern.test(value) || rules.follows(rule, value), { error });
}

function list<T extends z.ZodType>(element: T, of: string, most: number = entryLimits.list): z.ZodArray<T> {
  const error = `a list of at most ${most} ${of}`;
  return z.array(element, { error }).max(most, { error });
}

function table<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, { error: "a table" });
}

const selector = (of: string): z.ZodArray<z.ZodString> =>
  list(
    text({
      pattern: selectorPattern,
      expected: "a selector: a name, a glob, tag:T (hosts), group:G (members), or one of these after '!'",
    }),
    `selectors of ${of}`,
  );

const recipient = text({
  pattern: new RegExp(
    `${rules.ageRecipient.pattern.source}|^ssh-(?:ed25519|rsa) [A-Za-z0-9+/]+={0,2}(?: [^\\p{Cc}]*)?$`,
    "u",
  ),
  expected: 'an age recipient ("age1…", "ssh-ed25519 …", "ssh-rsa …")',
});

export const hostTable = table({
  address: text(rules.address).optional().describe("where ssh connects to; default: the name"),
  port: z
    .int({ error: "a port from 1 to 65535" })
    .min(1, { error: "a port from 1 to 65535" })
    .max(65_535, { error: "a port from 1 to 65535" })
    .default(22)
    .describe("the port of its SSH server"),
  user: text(rules.user).optional().describe("whom to log in as; default: what ssh would take"),
  host_keys: list(text(rules.keyLine), "SSH public keys", 16)
    .default([])
    .describe("verified on every connection; also the age recipients, unless `recipients` is there"),
  principal: text(rules.address)
    .optional()
    .describe("its name in certificates of `fleet.host_ca`; default: the address"),
  recipients: list(recipient, "age recipients", 64)
    .default([])
    .describe("age recipients that replace the host keys"),
  identities: list(text(rules.absolutePath), "paths", 64)
    .default([])
    .describe(
      "files on the host with the private keys; default: /etc/ssh/ssh_host_*_key by the types of host_keys",
    ),
  tags: list(text(rules.name), "names").default([]).describe("what `tag:T` selects"),
  system: text(rules.system).optional().describe("the Nix system"),
});

export const memberTable = table({
  keys: list(
    text({
      pattern: new RegExp(`${rules.keyLine.pattern.source}|${rules.keyFile.pattern.source}`, "u"),
      expected: `${rules.keyLine.expected} or ${rules.keyFile.expected}`,
    }),
    "keys",
    64,
  )
    .default([])
    .describe("signing keys: SSH public keys, or OpenPGP files below trust/keys/"),
  recipients: list(recipient, "age recipients", 64)
    .default([])
    .describe("age recipients; default: the SSH keys that age can encrypt to"),
  groups: list(text(rules.name), "names").default([]).describe("what `group:G` selects"),
});

export const secretTable = table({
  hosts: selector("hosts").default([]).describe("the hosts that have it; default: none"),
  readers: selector("members")
    .optional()
    .describe("the members who may read it; default: all who may read secrets"),
  owner: text(rules.account).default("root").describe("owner of the file on the host"),
  group: text(rules.account).default("root").describe("group of the file on the host"),
  mode: text(rules.mode).default("0400").describe("mode of the file on the host"),
  path: text(rules.absolutePath).optional().describe("default: /run/nixseal/secrets/NAME"),
  restart: list(text(rules.unit), "units", entryLimits.units)
    .default([])
    .describe("units restarted when the value changed"),
  reload: list(text(rules.unit), "units", entryLimits.units)
    .default([])
    .describe("units reloaded when the value changed"),
  stage: z
    .enum(["default", "users"], { error: '"default" or "users"' })
    .default("default")
    .describe('"users": installed before users are created'),
  credential: table({ unit: text(rules.service), name: text(rules.credential) })
    .optional()
    .describe("delivered to the unit as a systemd credential of this name"),
  generator: z
    .looseObject({ kind: text(rules.name) }, { error: "a table with a `kind`" })
    .optional()
    .describe("how the value is made"),
  max_age: text(rules.duration).optional().describe("when the value is due to be changed"),
  together: text(rules.name).optional().describe("secrets of one label are installed all or none"),
});

const records = <T extends z.ZodType>(entry: T, of: string): z.ZodDefault<z.ZodRecord<z.ZodString, T>> =>
  z.record(text(rules.name), entry, { error: `a table of ${of}` }).default({});

const entries = {
  hosts: records(hostTable, "hosts").describe("the machines, by name"),
  members: records(memberTable, "members").describe("people and services with keys, by name"),
  secrets: records(secretTable, "secrets").describe("the values under secrets/, by name"),
};

const fleetTable = table({
  name: text(rules.name).describe("the name of the fleet"),
  host_ca: list(text(rules.keyLine), "SSH public keys", 16)
    .default([])
    .describe("CAs whose SSH certificates hosts are known by, beside their host_keys"),
});

const stateTable = table({
  directory: text(rules.absolutePath)
    .optional()
    .describe(
      "where operators on one machine share state; default: below each operator's own state directory",
    ),
  etcd: list(text(rules.httpsUrl), "https URLs", 9)
    .default([])
    .describe("the client URLs of an etcd cluster, for operators on several machines"),
  authorities: text(rules.relativeFile)
    .optional()
    .describe("PEM file, relative to this one, with the authorities of the cluster's certificates"),
});

const count = (least: number, most: number, what: string): z.ZodInt => {
  const error = `${what} from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

const checkTable = table({
  command: list(text(rules.word), "words", 64)
    .optional()
    .describe("a program and its arguments; {host} and {address} stand for the host"),
  url: text(rules.checkUrl).optional().describe("must answer 200; {host} and {address} stand for the host"),
});

const deployTable = table({
  canary: count(0, 10_000, "a number of hosts").default(1).describe("hosts that go first, alone"),
  waves: list(count(1, 100, "per cent of the hosts,"), "waves", 32)
    .default([])
    .describe("how much of the rest goes in each later wave; the last one takes what is left"),
  soak: text(rules.pause).default("0s").describe("the time between two waves"),
  failures: count(0, 10_000, "a number of hosts").default(0).describe("hosts that may fail before it ends"),
  on_failure: z
    .enum(["stop", "revert"], { error: '"stop" or "revert"' })
    .default("stop")
    .describe("what becomes of the hosts that are done when it ends early"),
  parallel: count(1, 1000, "a number of hosts").default(8).describe("hosts at once"),
  checks: list(checkTable, "checks", 32)
    .default([])
    .describe("asked from the operator's machine before a host may keep a new system, and after each wave"),
});

/** A file that `include` names: entries only. */
export const includedFile = table(entries);

/** fleet.toml itself. */
export const fleetFile = table({
  fleet: fleetTable.optional().describe("about the whole"),
  state: stateTable.optional().describe("what operators share while they work: leases, rollouts, the log"),
  deploy: deployTable.optional().describe("how a deployment goes over the hosts"),
  include: list(text(rules.includeGlob), "globs", 256)
    .default([])
    .describe("more files with hosts, members and secrets, relative to this one; read in sorted order"),
  ...entries,
});

export type FleetFile = z.output<typeof fleetFile>;
export type HostTable = z.output<typeof hostTable>;
export type MemberTable = z.output<typeof memberTable>;
export type SecretTable = z.output<typeof secretTable>;

/** The keys that may stand in the table at this path, for "did you mean". */
export function keysAt(path: readonly PropertyKey[], top: z.ZodObject): readonly string[] {
  const [first, , third] = path;
  if (first === undefined) return Object.keys(top.shape);
  if (first === "fleet") return Object.keys(fleetTable.shape);
  if (first === "deploy") return Object.keys((third === undefined ? deployTable : checkTable).shape);
  if (first === "state") return Object.keys(stateTable.shape);
  if (first === "hosts") return Object.keys(hostTable.shape);
  if (first === "members") return Object.keys(memberTable.shape);
  return third === "credential" ? ["unit", "name"] : Object.keys(secretTable.shape);
}

/** JSON Schema (draft 2020-12) of fleet.toml, for editors. */
export function fleetJsonSchema(): Record<string, unknown> {
  return { title: "fleet.toml of Nixseal", ...z.toJSONSchema(fleetFile, { io: "input" }) };
}
