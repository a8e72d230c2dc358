/** `trust/root.json` itself: the signed bytes, and who signed them. */
import { formatSignedEnvelope, parseSignedEnvelope, type SignedEnvelope } from "../signed-envelope.ts";
import { parseRoot, type Root } from "./root.ts";

/** Its signatures are in namespace `rootNamespace`. */
export interface Envelope extends SignedEnvelope {
  readonly root: Root;
}

/** A version of the format: another meaning of the bytes gets another namespace, and old signatures do not reach it. */
export const rootNamespace = "nixseal-root@v1";

export const envelopeLimits = { file: 1 << 20, signatures: 64, signature: 16 << 10 } as const;

/** `malformed`, `limit` or `refused` unless the bytes are exactly what `formatEnvelope` writes. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const { payload, signatures } = parseSignedEnvelope(bytes, "the root's file", envelopeLimits);
  return { payload, root: parseRoot(payload), signatures };
}

export function formatEnvelope({ payload, signatures }: SignedEnvelope): Uint8Array {
  return formatSignedEnvelope({ payload, signatures });
}
