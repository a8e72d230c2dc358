import { fromBase64 } from "../core/bytes.ts";
import type { SshKey } from "./model.ts";

/** Reads the line of a `.pub` file; null when it is none. The comment is dropped. */
export function readSshKey(text: string): SshKey | null {
  const [type, blob] = text.split(" ");
  const bytes = blob === undefined ? null : fromBase64(blob);
  if (type === undefined || bytes === null || bytes.length < 4) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const inside = Buffer.from(bytes.subarray(4, 4 + length)).toString("latin1");
  // The type in front must be the type inside: a reader that trusts the first would be told another algorithm.
  return inside === type ? { type, line: `${type} ${blob}` } : null;
}

/** The key types that age encrypts to. */
export function isAgeKey(key: SshKey): boolean {
  return key.type === "ssh-ed25519" || key.type === "ssh-rsa";
}
