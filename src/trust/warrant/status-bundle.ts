/**
 * What travels with every deployment, so that a host learns of what it missed: the newest root with the versions before it, the
 * revocation list, and where each sequence of warrants stands. Root and list prove themselves; the heads are told, not
 * proved, and serve to notice that something was held back.
 */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { armorSshSig, parseArmoredSshSig } from "../../ssh/sshsig.ts";
import type { KrlEvidence } from "../certificates/decide.ts";
import { formatEnvelope, parseEnvelope, type Envelope } from "../root/envelope.ts";
import { checkJsonBudget } from "./json-budget.ts";
import { headsJson, readHeads, type Head, type WarrantState } from "./state.ts";

export interface StatusBundle {
  /** In order, the newest last: for `decideChain`. */
  readonly roots: readonly Envelope[];
  /** For `decideKrl`; null where the fleet has no list. */
  readonly krl: KrlEvidence | null;
  /** The newest warrant of each sequence, by `sequenceOf`. */
  readonly heads: ReadonlyMap<string, Head>;
}

/** Bytes. */
export const statusLimit = 32 << 20;
const limits = { file: statusLimit, roots: 64, signatures: 16, heads: 50_000 } as const;

/** `malformed` or `limit` unless the bytes are exactly what `formatStatusBundle` writes. */
export function parseStatusBundle(bytes: Uint8Array): StatusBundle {
  if (bytes.length > limits.file)
    throw new NixsealError("limit", `the status bundle has ${bytes.length} bytes, more than ${limits.file}`);
  checkJsonBudget(bytes, { depth: 4, containers: limits.heads + limits.roots }, "the status bundle");
  const top = Field.parse(utf8Text(bytes, "the status bundle"), "status");
  if (top.get("v").value !== 1) throw top.get("v").wrong("1");
  const bundle = {
    roots: upTo(limits.roots, top.get("roots").items()).map((root) => parseEnvelope(bytesOf(root))),
    krl: top.get("krl").isNull ? null : parseKrlEvidence(top.get("krl")),
    heads: readHeads(top.get("heads"), limits.heads),
  };
  if (!sameBytes(formatStatusBundle(bundle), bytes))
    throw new NixsealError("malformed", "the status bundle is not canonical JSON with one line end");
  return bundle;
}

/** Canonical JSON and a line end. */
export function formatStatusBundle({ roots, krl, heads }: StatusBundle): Uint8Array {
  const value = {
    v: 1,
    roots: roots.map((root) => base64(formatEnvelope(root))),
    krl:
      krl === null
        ? null
        : { file: base64(krl.file), signatures: krl.signatures.map((one) => armorSshSig(one)) },
    heads: headsJson(heads),
  };
  return utf8(`${canonicalJson(value)}\n`);
}

/** The sequences, of those that this host follows, in which it is behind: somebody ordered and nothing came. */
export function heldBack({ heads }: WarrantState, bundle: StatusBundle): string[] {
  return [...heads].flatMap(([sequence, { seq }]) => {
    const told = bundle.heads.get(sequence);
    return told !== undefined && told.seq > seq ? [sequence] : [];
  });
}

function parseKrlEvidence(field: Field): KrlEvidence {
  return {
    file: bytesOf(field.get("file")),
    signatures: upTo(limits.signatures, field.get("signatures").items()).map((one) =>
      one.parsed(parseArmoredSshSig),
    ),
  };
}

function bytesOf(field: Field): Uint8Array {
  const bytes = fromBase64(field.string());
  if (bytes === null) throw field.wrong("base64");
  return bytes;
}

function upTo<T>(most: number, items: T[]): T[] {
  if (items.length > most) throw new NixsealError("limit", `the status bundle has more than ${most} items`);
  return items;
}
