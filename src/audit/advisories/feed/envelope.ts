/** Signed bytes with who signed them, as one file: `{"payload": base64, "signatures": [armored SSHSIG…]}`. */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../../../core/bytes.ts";
import { canonicalJson } from "../../../core/canonical-json.ts";
import { NixsealError } from "../../../core/errors.ts";
import { Field } from "../../../nix/json-fields.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../../../ssh/sshsig.ts";
import { items } from "../fields.ts";
import { feedLimits, type RoleName } from "./metadata.ts";

export interface Envelope {
  /** The exact bytes that are signed. */
  readonly payload: Uint8Array;
  /** Nothing is known about them until a decision was made. */
  readonly signatures: readonly SshSig[];
}

const limits = { signatures: 64, signature: 16 << 10 };
export const envelopeLimit = 2 * feedLimits.metadata + limits.signatures * limits.signature;

/** A role's signature says nothing about another role, nor about a later format. */
export function namespaceOf(role: RoleName): string {
  return `nixseal-feed-${role}@v1`;
}

/** `malformed`, `limit` or `refused` unless the bytes are exactly what `formatEnvelope` writes. */
export function parseEnvelope(bytes: Uint8Array, what: string): Envelope {
  if (bytes.length > envelopeLimit)
    throw new NixsealError("limit", `${what} has more than ${envelopeLimit} bytes`);
  const top = Field.parse(utf8Text(bytes, what), what);
  const payload = fromBase64(top.get("payload").string());
  if (payload === null) throw top.get("payload").wrong("base64");
  const signatures = items(top.get("signatures"), limits.signatures).map((item) =>
    item.parsed(parseArmoredSshSig),
  );
  const envelope = { payload, signatures };
  if (!sameBytes(formatEnvelope(envelope), bytes))
    throw new NixsealError("malformed", `${what} is not canonical JSON with one line end`);
  return envelope;
}

/** Canonical JSON and a line end. */
export function formatEnvelope({ payload, signatures }: Envelope): Uint8Array {
  const value = { payload: base64(payload), signatures: signatures.map((one) => armorSshSig(one)) };
  return utf8(`${canonicalJson(value)}\n`);
}
