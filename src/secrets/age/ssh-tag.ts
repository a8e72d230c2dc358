import { createHash } from "node:crypto";
import { base64Unpadded } from "../../core/bytes.ts";

/** What a stanza says of the SSH key that it is for: the first 32 bits of the SHA-256 of its wire encoding. */
export function sshTag(blob: Uint8Array): string {
  return base64Unpadded(createHash("sha256").update(blob).digest().subarray(0, 4));
}
