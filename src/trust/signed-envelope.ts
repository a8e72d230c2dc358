/** A signed file: `{"payload": base64 of the exact bytes that are signed, "signatures": [armored SSHSIG…]}`. */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../ssh/sshsig.ts";
import { checkJsonBudget } from "./warrant/json-budget.ts";

export interface SignedEnvelope {
  /** The exact bytes that are signed. */
  readonly payload: Uint8Array;
  /** Nothing is known about them until a decision was made. */
  readonly signatures: readonly SshSig[];
}

export interface EnvelopeLimits {
  /** Bytes of the file. */
  readonly file: number;
  readonly signatures: number;
  /** Characters of one armored signature. */
  readonly signature: number;
}

/** Throws `malformed`, `limit` or `refused` unless the bytes are exactly what `formatSignedEnvelope` writes. `what` for messages. */
export function parseSignedEnvelope(bytes: Uint8Array, what: string, limits: EnvelopeLimits): SignedEnvelope {
  if (bytes.length > limits.file)
    throw new NixsealError("limit", `${what} has ${bytes.length} bytes, more than ${limits.file}`);
  checkJsonBudget(bytes, { depth: 2, containers: 2 }, what);
  const fields = fieldsOf(bytes, what, limits);
  const payload = fromBase64(fields.payload);
  if (payload === null || payload.length === 0)
    throw new NixsealError("malformed", `the payload of ${what} is not base64`);
  const envelope = { payload, signatures: fields.signatures.map((armored) => parseArmoredSshSig(armored)) };
  // Also what is not signed has one spelling: whoever carries the file has no room for a second meaning.
  if (!sameBytes(formatSignedEnvelope(envelope), bytes))
    throw new NixsealError("malformed", `${what} is not canonical JSON with one line end`);
  return envelope;
}

/** Canonical JSON and a line end. */
export function formatSignedEnvelope({ payload, signatures }: SignedEnvelope): Uint8Array {
  const value = { payload: base64(payload), signatures: signatures.map((one) => armorSshSig(one)) };
  return utf8(`${canonicalJson(value)}\n`);
}

function fieldsOf(
  bytes: Uint8Array,
  what: string,
  limits: EnvelopeLimits,
): { readonly payload: string; readonly signatures: readonly string[] } {
  const value = parseJson(bytes, what) as Partial<Record<string, unknown>> | null;
  const keys = typeof value === "object" && value !== null ? Object.keys(value).sort().join() : "";
  const payload = value?.["payload"];
  const signatures = value?.["signatures"];
  if (keys !== "payload,signatures" || typeof payload !== "string" || !Array.isArray(signatures))
    throw new NixsealError("malformed", `${what} is not an object with a payload and signatures`);
  if (signatures.length > limits.signatures)
    throw new NixsealError("limit", `${what} has more than ${limits.signatures} signatures`);
  const texts = (signatures as readonly unknown[]).filter((one) => typeof one === "string");
  if (texts.length < signatures.length)
    throw new NixsealError("malformed", `a signature of ${what} is not text`);
  if (texts.some((armored) => armored.length > limits.signature))
    throw new NixsealError("limit", `a signature of ${what} has more than ${limits.signature} characters`);
  return { payload, signatures: texts };
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = utf8Text(bytes, what);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new NixsealError("malformed", `${what} is not JSON`, { cause });
  }
}
