/** trust/policy.toml: which member may change what. */
import { NixsealError } from "../../core/errors.ts";
import { parseToml } from "../../inventory/toml.ts";
import type { AllowedSigner } from "../../ssh/allowed-signers.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { materialOf, type PublicKey } from "../../ssh/public-key.ts";
import type { HistoryRoot } from "./history-root.ts";
import { OpenPgpKeys, type KeyBlock } from "./openpgp.ts";
import { faultOfPattern } from "./path-pattern.ts";
import { alsoRevoked, type Signers } from "./signers.ts";

export const policyPath = "trust/policy.toml";

/** `commit`: change the member's paths. `merge`: join histories. `policy`: change this file. */
export const commitRights = ["commit", "merge", "policy"] as const;
export type CommitRight = (typeof commitRights)[number];

export interface PolicyMember {
  readonly rights: ReadonlySet<CommitRight>;
  readonly paths: readonly string[];
}

export interface Policy {
  /** How many members with the right `policy` a change of the policy needs. */
  readonly threshold: number;
  readonly members: ReadonlyMap<string, PolicyMember>;
  /** The principals of these are names of members. */
  readonly signers: Signers;
  /** Whether members may sign by certificates of the CAs in the fleet's root: `authorities = ["root"]`. */
  readonly certificatesByRoot: boolean;
  /** Keys that a forge signs merges with; null where there are none. */
  readonly forges: Signers | null;
}

/** Among the authorities: whichever CAs the fleet's root names. */
const theRoot = "root";
const maximumKeys = 2000;
const memberName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Strict: a key that is not understood could be a restriction. `config` says what is wrong. */
export async function parsePolicy(text: string): Promise<Policy> {
  const top = new Table(parseToml(text), "policy", [
    "version",
    "threshold",
    "members",
    "authorities",
    "forges",
  ]);
  if (top.integer("version") !== 1) throw fault("version is not 1");
  const threshold = top.integer("threshold");
  const members = new Map<string, PolicyMember>();
  const keys = new KeyCollector();
  const named = top.strings("authorities", []);
  const authorities = named.filter((one) => one !== theRoot).map(readSshKey);
  for (const [name, value] of top.tables("members")) {
    if (!memberName.test(name)) throw fault(`'${name.slice(0, 80)}' is not a name of a member`);
    const table = new Table(value, `members.${name}`, ["keys", "rights", "paths"]);
    members.set(name, { rights: new Set(table.strings("rights").map(readRight)), paths: readPaths(table) });
    keys.add(name, table.strings("keys"));
    for (const key of authorities) keys.addAuthority(name, key);
  }
  const forges = new KeyCollector();
  for (const [name, value] of top.tables("forges"))
    forges.add(name, new Table(value, `forges.${name}`, ["keys"]).strings("keys"));

  const changers = [...members.values()].filter(({ rights }) => rights.has("policy")).length;
  // With fewer, nobody could ever change the policy again.
  if (threshold < 1 || threshold > changers)
    throw fault(`threshold is ${threshold}, and ${changers} members have the right 'policy'`);
  const signers = await keys.signers();
  const forgeSigners = forges.empty ? null : { ...(await forges.signers()), areForges: true };
  refuseShared([...owned(signers), ...(forgeSigners === null ? [] : owned(forgeSigners))]);
  const certificatesByRoot = named.includes(theRoot);
  return { threshold, members, signers, certificatesByRoot, forges: forgeSigners };
}

/** The policy with the root's CAs as authorities for its members, and with what the root's list revokes. */
export function withRoot(policy: Policy, { root, krl }: Pick<HistoryRoot, "root" | "krl">): Policy {
  const cas = [...policy.members.keys()].flatMap((name) =>
    root.ca.keys.map((key) => signer(name, key, true)),
  );
  const revoking = (signers: Signers): Signers => alsoRevoked(signers, krl);
  return {
    ...policy,
    signers: revoking({ ...policy.signers, ssh: [...policy.signers.ssh, ...cas], root }),
    forges: policy.forges === null ? null : revoking(policy.forges),
  };
}

class KeyCollector {
  readonly #ssh: AllowedSigner[] = [];
  readonly #openPgp: KeyBlock[] = [];

  get empty(): boolean {
    return this.#ssh.length + this.#openPgp.length === 0;
  }

  add(principal: string, keys: readonly string[]): void {
    for (const text of keys) {
      if (text.trim().startsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----"))
        this.#openPgp.push({ armored: text.trim(), principal });
      else this.#ssh.push(signer(principal, readSshKey(text), false));
    }
    if (this.#ssh.length + this.#openPgp.length > maximumKeys) throw fault(`more than ${maximumKeys} keys`);
  }

  addAuthority(principal: string, key: PublicKey): void {
    this.#ssh.push(signer(principal, key, true));
  }

  async signers(): Promise<Signers> {
    const openPgp = this.#openPgp.length === 0 ? null : await OpenPgpKeys.read(this.#openPgp);
    return { ssh: this.#ssh, openPgp, revocations: undefined, memberCertificates: true };
  }
}

function signer(principals: string, key: PublicKey, certAuthority: boolean): AllowedSigner {
  return { line: 0, principals, key, certAuthority, namespaces: null, validAfter: null, validBefore: null };
}

function readSshKey(text: string): PublicKey {
  return parsePublicKeyLine(text).key;
}

function readRight(text: string): CommitRight {
  const right = commitRights.find((one) => one === text);
  if (right === undefined)
    throw fault(`unknown right '${text.slice(0, 40)}'; rights are ${commitRights.join(", ")}`);
  return right;
}

function readPaths(table: Table): string[] {
  const paths = table.strings("paths", []);
  for (const path of paths) {
    const wrong = faultOfPattern(path);
    if (wrong !== null) throw fault(`path '${path.slice(0, 100)}' ${wrong}`);
  }
  return paths;
}

/** Every key that speaks for itself, what it is made of and its name; a CA's stands for many members. */
function owned({ ssh, openPgp }: Signers): [material: string, name: string][] {
  const own = ssh.filter(({ certAuthority }) => !certAuthority);
  return [
    ...own.map(({ key }): [string, string] => [materialOf(key), key.fingerprint]),
    ...(openPgp?.fingerprints ?? []).map((name): [string, string] => [name, name]),
  ];
}

/** A key with two owners would be two of k in one hand, or give a forge a member's rights. */
function refuseShared(all: readonly [material: string, name: string][]): void {
  const seen = new Set<string>();
  for (const [material, name] of all) {
    if (seen.has(material)) throw fault(`key ${name} is given twice`);
    seen.add(material);
  }
}

class Table {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #name: string;

  constructor(value: unknown, name: string, known: readonly string[]) {
    if (!isTable(value)) throw fault(`${name} is not a table`);
    this.#values = value;
    this.#name = name;
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown !== undefined)
      throw fault(`${name} has '${unknown.slice(0, 40)}'; known are ${known.join(", ")}`);
  }

  integer(key: string): number {
    const value = this.#values[key];
    if (typeof value !== "number" || !Number.isSafeInteger(value))
      throw fault(`${key} is not a whole number`);
    return value;
  }

  strings(key: string, otherwise?: readonly string[]): string[] {
    const value = this.#values[key] ?? otherwise;
    if (!Array.isArray(value) || !value.every((one) => typeof one === "string"))
      throw fault(`${this.#name}.${key} is not a list of texts`);
    return value;
  }

  tables(key: string): [string, unknown][] {
    const value = this.#values[key] ?? {};
    if (!isTable(value)) throw fault(`${key} is not a table`);
    return Object.entries(value);
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function fault(message: string): NixsealError {
  return new NixsealError("config", `${policyPath}: ${message}`);
}
