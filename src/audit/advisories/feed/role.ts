/** A role of a feed: who may sign for it, and how many must. */
import type { Json } from "../../../core/canonical-json.ts";
import { NixsealError } from "../../../core/errors.ts";
import type { Field } from "../../../nix/json-fields.ts";
import { formatPublicKey, parsePublicKeyLine } from "../../../ssh/public-key-line.ts";
import type { PublicKey } from "../../../ssh/public-key.ts";
import { weaknessOf } from "../../../ssh/weak-key.ts";
import { items, shortText } from "../fields.ts";

export interface Role {
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

const mostKeys = 32;

/** Throws `malformed` when the role could never be fulfilled, `refused` for keys that are not accepted. */
export function readRole(field: Field): Role {
  const keys = items(field.get("keys"), mostKeys).map((item) => {
    const line = shortText(item, 8192);
    const { key } = item.parsed((text) => parsePublicKeyLine(text));
    if (formatPublicKey(key) !== line) throw item.wrong("an SSH public key without a comment");
    const weak = weaknessOf(key);
    if (weak !== null) throw new NixsealError("refused", `${item.name}: the key ${weak}`);
    return key;
  });
  const threshold = field.get("threshold").count();
  if (threshold < 1 || threshold > keys.length)
    throw field.get("threshold").wrong(`a number from 1 to that of the keys, ${keys.length}`);
  // One holder with two spellings of a key would count as two.
  if (new Set(keys.map(material)).size < keys.length) throw field.get("keys").wrong("each key once");
  return { keys, threshold };
}

export function encodeRole({ keys, threshold }: Role): Json {
  return { keys: keys.map((key) => formatPublicKey(key)), threshold };
}

export function sameKeys(a: Role, b: Role): boolean {
  const names = (role: Role): string =>
    role.keys
      .map(({ fingerprint }) => fingerprint)
      .sort()
      .join(" ");
  return names(a) === names(b);
}

function material(key: PublicKey): string {
  return Buffer.from(key.type === "ssh-rsa" ? key.modulus : key.point).toString("hex");
}
