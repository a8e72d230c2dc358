/** A warrant's file: the signed bytes, and who signed them. */
import { formatSignedEnvelope, parseSignedEnvelope, type SignedEnvelope } from "../signed-envelope.ts";
import { warrantLimits } from "./limits.ts";
import type { Warrant } from "./model.ts";
import { parseWarrant, payloadDigest } from "./warrant.ts";

export interface WarrantEnvelope extends SignedEnvelope {
  readonly warrant: Warrant;
  /** `payloadDigest` of the payload. */
  readonly digest: string;
}

/** Throws `malformed`, `limit` or `refused` unless the bytes are exactly what `formatWarrantEnvelope` writes. */
export function parseWarrantEnvelope(bytes: Uint8Array): WarrantEnvelope {
  const { payload, signatures } = parseSignedEnvelope(bytes, "the warrant's file", warrantLimits);
  return { payload, warrant: parseWarrant(payload), digest: payloadDigest(payload), signatures };
}

export function formatWarrantEnvelope({ payload, signatures }: SignedEnvelope): Uint8Array {
  return formatSignedEnvelope({ payload, signatures });
}
