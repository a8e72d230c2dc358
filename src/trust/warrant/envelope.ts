/** A warrant's file: the signed bytes, and who signed them. */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { armorSshSig, parseArmoredSshSig, type SshSig } from "../../ssh/sshsig.ts";
import { warrantLimits } from "./limits.ts";
import { checkJsonBudget } from "./json-budget.ts";
import type { Warrant } from "./model.ts";
import { parseWarrant, payloadDigest } from "./warrant.ts";

export interface WarrantEnvelope {
  /** The exact bytes that are signed. */
  readonly payload: Uint8Array;
  readonly warrant: Warrant;
  /** `payloadDigest` of the payload. */
  readonly digest: string;
  /** Nothing is known about them until a decision was made. */
  readonly signatures: readonly SshSig[];
}

/** Throws `malformed`, `limit` or `refused` unless the bytes are exactly what `formatWarrantEnvelope` writes. */
export function parseWarrantEnvelope(bytes: Uint8Array): WarrantEnvelope {
  if (bytes.length > warrantLimits.file)
    throw new NixsealError(
      "limit",
      `the warrant's file has ${bytes.length} bytes, more than ${warrantLimits.file}`,
    );
  checkJsonBudget(bytes, { depth: 2, containers: 2 }, "the warrant's file");
  const { payload: encoded, signatures } = fieldsOf(bytes);
  const payload = fromBase64(encoded);
  if (payload === null) throw new NixsealError("malformed", "the warrant's payload is not base64");
  const parsed = {
    payload,
    warrant: parseWarrant(payload),
    digest: payloadDigest(payload),
    signatures: signatures.map((armored) => parseArmoredSshSig(armored)),
  };
  // Also what is not signed has one spelling: whoever carries the file has no room for a second meaning.
  if (!sameBytes(formatWarrantEnvelope(parsed), bytes))
    throw new NixsealError("malformed", "the warrant's file is not canonical JSON with one line end");
  return parsed;
}

/** Canonical JSON and a line end. */
export function formatWarrantEnvelope({
  payload,
  signatures,
}: Pick<WarrantEnvelope, "payload" | "signatures">): Uint8Array {
  const value = { payload: base64(payload), signatures: signatures.map((one) => armorSshSig(one)) };
  return utf8(`${canonicalJson(value)}\n`);
}

function fieldsOf(bytes: Uint8Array): { readonly payload: string; readonly signatures: readonly string[] } {
  const value = parseJson(bytes) as Partial<Record<string, unknown>> | null;
  const keys = typeof value === "object" && value !== null ? Object.keys(value).sort().join() : "";
  const payload = value?.["payload"];
  const signatures = value?.["signatures"];
  if (keys !== "payload,signatures" || typeof payload !== "string" || !Array.isArray(signatures))
    throw new NixsealError("malformed", "a warrant's file is an object with a payload and signatures");
  if (signatures.length > warrantLimits.signatures)
    throw new NixsealError("limit", `more than ${warrantLimits.signatures} signatures`);
  const texts = (signatures as readonly unknown[]).filter((one) => typeof one === "string");
  if (texts.length < signatures.length) throw new NixsealError("malformed", "a signature is not text");
  if (texts.some((armored) => armored.length > warrantLimits.signature))
    throw new NixsealError("limit", `a signature has more than ${warrantLimits.signature} characters`);
  return { payload, signatures: texts };
}

function parseJson(bytes: Uint8Array): unknown {
  const text = utf8Text(bytes, "the warrant's file");
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new NixsealError("malformed", "the warrant's file is not JSON", { cause });
  }
}
