/** `trust/root.json`'s payload: what everything else in the fleet's trust follows from. Reading and writing it. */
import { NixsealError } from "../../core/errors.ts";
import { sameBytes, utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { list, object, text, wrong, type Check } from "../../core/shape.ts";
import { follows, name } from "../../inventory/field-rules.ts";
import { parseSelectorEntry, type SelectorEntry } from "../../inventory/selector-entry.ts";
import { parsePublicKey as parseCacheKey } from "../../nix/signing-key.ts";
import { formatPublicKey, parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { materialOf, type PublicKey } from "../../ssh/public-key.ts";
import { weaknessOf } from "../../ssh/weak-key.ts";

export interface Root {
  /** Rises by one with every change. */
  readonly version: number;
  readonly fleet: string;
  /** From this second on the root says nothing any more. */
  readonly expires: Date;
  /** `threshold` of these keys sign a root. */
  readonly root: { readonly keys: readonly PublicKey[]; readonly threshold: number };
  /** Each of these may issue member certificates and sign the revocation list. */
  readonly ca: { readonly keys: readonly PublicKey[] };
  /** How many members must sign a warrant: on any host, and on those of a group. */
  readonly warrant: { readonly threshold: number; readonly groups: ReadonlyMap<string, number> };
  /** Keys of binary caches whose paths need no warrant, as in Nix's `trusted-public-keys`. */
  readonly upstream: readonly string[];
  /** Groups of hosts, by selectors. */
  readonly groups: ReadonlyMap<string, readonly SelectorEntry[]>;
  /** Hosts refuse what was ordered under an earlier epoch. */
  readonly gateEpoch: number;
}

export const rootLimits = {
  payload: 128 << 10,
  rootKeys: 32,
  caKeys: 16,
  upstream: 64,
  groups: 256,
  selectors: 1024,
  version: 2 ** 31 - 1,
} as const;

const time: Check<Date> = (value, path) => {
  const date = typeof value === "string" ? new Date(value) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()) || formatTime(date) !== value)
    throw wrong(path, 'a time such as "2030-01-31T12:00:00Z"', value);
  return date;
};

const key: Check<PublicKey> = (value, path) => {
  const line = text((given) => given.length < 8192, "an SSH public key")(value, path);
  const parsed = parsePublicKeyLine(line).key;
  if (formatPublicKey(parsed) !== line) throw wrong(path, "an SSH public key without a comment", line);
  const weak = weaknessOf(parsed);
  if (weak !== null) throw new NixsealError("refused", `${path}: the key ${weak}`);
  return parsed;
};

// Plain characters only: signers see this on their terminal, where others could hide a line.
const cacheKey = text((given) => {
  try {
    return /^[A-Za-z0-9._-]{1,128}:/.test(given) && parseCacheKey(given).name !== "";
  } catch (error) {
    if (error instanceof NixsealError) return false;
    throw error;
  }
}, 'the public key of a binary cache ("cache.nixos.org-1:…")');

const selector: Check<SelectorEntry> = (value, path) => {
  const entry = typeof value === "string" ? parseSelectorEntry(value) : null;
  if (entry === null || entry.kind === "group") throw wrong(path, "a selector of hosts", value);
  return entry;
};

const payload = object({
  expires: time,
  fleet: text((given) => follows(name, given), name.expected),
  gateEpoch: integer(0, Number.MAX_SAFE_INTEGER),
  groups: mapOf(list(selector, rootLimits.selectors, 1)),
  roles: object({
    ca: object({ keys: list(key, rootLimits.caKeys, 1) }),
    root: object({ keys: list(key, rootLimits.rootKeys, 1), threshold: integer(1, rootLimits.rootKeys) }),
    warrant: object({ groups: mapOf(integer(1, 64)), threshold: integer(1, 64) }),
  }),
  upstream: list(cacheKey, rootLimits.upstream),
  version: integer(1, rootLimits.version),
});

/** Exactly the bytes that `encodeRoot` gives, or `malformed` (`limit`, `refused` for keys that are not accepted). */
export function parseRoot(bytes: Uint8Array): Root {
  if (bytes.length > rootLimits.payload)
    throw new NixsealError("limit", `the root has ${bytes.length} bytes, more than ${rootLimits.payload}`);
  const { roles, ...rest } = asMalformed(() => payload(parseJson(bytes, "the root"), "root"));
  const root: Root = {
    ...rest,
    root: roles.root,
    ca: roles.ca,
    warrant: roles.warrant,
  };
  const fault = inconsistency(root);
  if (fault !== null) throw new NixsealError("malformed", fault);
  // One spelling only: repeated keys, other number formats and white space are other bytes with the same meaning.
  if (!sameBytes(encodeRoot(root), bytes))
    throw new NixsealError("malformed", "the root is not canonical JSON");
  return root;
}

/** Canonical JSON, without a line end. */
export function encodeRoot(root: Root): Uint8Array {
  return utf8(
    canonicalJson({
      expires: formatTime(root.expires),
      fleet: root.fleet,
      gateEpoch: root.gateEpoch,
      groups: Object.fromEntries(
        [...root.groups].map(([group, entries]) => [group, entries.map((entry) => entry.text)]),
      ),
      roles: {
        ca: { keys: lines(root.ca.keys) },
        root: { keys: lines(root.root.keys), threshold: root.root.threshold },
        warrant: { groups: Object.fromEntries(root.warrant.groups), threshold: root.warrant.threshold },
      },
      upstream: root.upstream,
      version: root.version,
    }),
  );
}

/** What no single field shows, as a whole message; null when the root holds together. */
export function inconsistency(root: Root): string | null {
  if (root.root.threshold > root.root.keys.length)
    return `the root asks for ${root.root.threshold} signatures but names ${root.root.keys.length} keys`;
  for (const [role, { keys }] of [["root", root.root] as const, ["ca", root.ca] as const]) {
    // One holder under two names would count as two: the same RSA modulus with another exponent, the same point as sk and not.
    const twice = keys.findIndex(
      (one, index) => keys.findIndex((other) => materialOf(other) === materialOf(one)) < index,
    );
    if (twice !== -1) return `the role '${role}' names one key twice (${keys[twice]!.fingerprint})`;
  }
  const unknown = [...root.warrant.groups.keys()].find((group) => !root.groups.has(group));
  if (unknown !== undefined) return `the warrant threshold of '${unknown}' is for no group of the root`;
  if (new Set(root.upstream).size < root.upstream.length) return "an upstream key is named twice";
  return null;
}

/** RFC 3339 in UTC, to the second. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** JSON from outside as a value; nothing is known of its shape yet. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const json = utf8Text(bytes, what);
  try {
    return JSON.parse(json) as Json;
  } catch (cause) {
    throw new NixsealError("malformed", `${what} is not JSON`, { cause });
  }
}

/** The checks of shape.ts speak of files that people write; these bytes a program wrote. */
export function asMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "config") throw error;
    throw new NixsealError("malformed", error.message, { hint: error.hint });
  }
}

function integer(least: number, most: number): Check<number> {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most)
      throw wrong(path, `a whole number from ${least} to ${most}`, value);
    return value;
  };
}

/** An object whose keys are names of groups. */
function mapOf<T>(check: Check<T>): Check<ReadonlyMap<string, T>> {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrong(path, "an object", value);
    const fields = Object.entries(value as Record<string, unknown>);
    if (fields.length > rootLimits.groups)
      throw new NixsealError("limit", `${path}: more than ${rootLimits.groups} groups`);
    return new Map(
      fields.map(([group, item]) => {
        if (!follows(name, group)) throw wrong(path, name.expected, group);
        return [group, check(item, `${path}.${group}`)];
      }),
    );
  };
}

function lines(keys: readonly PublicKey[]): string[] {
  return keys.map((one) => formatPublicKey(one));
}
