import { isWeakEd25519Point } from "./ed25519-point.ts";
import { minimumRsaBits, type PublicKey } from "./public-key.ts";

/** Why no signature by this key says anything, as the end of a sentence that names the key; null for a good one. */
export function weaknessOf(key: PublicKey): string | null {
  switch (key.type) {
    case "ssh-rsa":
      return key.bits < minimumRsaBits ? `has ${key.bits} bits, fewer than ${minimumRsaBits}` : null;
    case "ssh-ed25519":
    case "sk-ssh-ed25519@openssh.com":
      return isWeakEd25519Point(key.point) ? "has low order: one signature would fit many messages" : null;
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return null; // the curves have prime order
    default:
      return key satisfies never;
  }
}
