/** `trust/root.json` itself: the signed bytes, and who signed them. */
import { base64, fromBase64, sameBytes, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { list, object, text } from "../../core/shape.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../../ssh/sshsig.ts";
import { asMalformed, parseJson, parseRoot, type Root } from "./root.ts";

export interface Envelope {
  /** The exact bytes that are signed. */
  readonly payload: Uint8Array;
  readonly root: Root;
  /** In namespace `rootNamespace`; nothing is known about them until a decision was made. */
  readonly signatures: readonly SshSig[];
}

/** A version of the format: another meaning of the bytes gets another namespace, and old signatures do not reach it. */
export const rootNamespace = "nixseal-root@v1";

export const envelopeLimits = { file: 1 << 20, signatures: 64, signature: 16 << 10 } as const;

const shape = object({
  payload: text((given) => given.length > 0, "base64"),
  signatures: list(
    text((given) => given.length <= envelopeLimits.signature, "an armored SSH signature"),
    envelopeLimits.signatures,
  ),
});

/** `malformed`, `limit` or `refused` unless the bytes are exactly what `formatEnvelope` writes. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > envelopeLimits.file)
    throw new NixsealError(
      "limit",
      `the root's file has ${bytes.length} bytes, more than ${envelopeLimits.file}`,
    );
  const fields = asMalformed(() => shape(parseJson(bytes, "the root's file"), "root.json"));
  const payload = fromBase64(fields.payload);
  if (payload === null) throw new NixsealError("malformed", "the root's payload is not base64");
  const envelope = {
    payload,
    root: parseRoot(payload),
    signatures: fields.signatures.map((armored) => parseArmoredSshSig(armored)),
  };
  if (!sameBytes(formatEnvelope(envelope), bytes))
    throw new NixsealError("malformed", "the root's file is not canonical JSON with one line end");
  return envelope;
}

/** Canonical JSON and a line end. */
export function formatEnvelope({ payload, signatures }: Omit<Envelope, "root">): Uint8Array {
  const value = { payload: base64(payload), signatures: signatures.map((one) => armorSshSig(one)) };
  return utf8(`${canonicalJson(value)}\n`);
}
