import { NixsealError } from "../core/errors.ts";
import { formatPublicKey, parsePublicKeyLine } from "../ssh/public-key-line.ts";
import { minimumRsaBits } from "../ssh/public-key.ts";
import type { SshKey } from "./model.ts";

/**
 * Reads the line of a `.pub` file; the comment is dropped. Throws `malformed` or `refused` for what is no key, or an
 * RSA key too short for age and for trust.
 */
export function readSshKey(text: string): SshKey {
  const { key } = parsePublicKeyLine(text);
  if (key.type === "ssh-rsa" && key.bits < minimumRsaBits)
    throw new NixsealError("refused", `an RSA key of ${key.bits} bits, expected at least ${minimumRsaBits}`, {
      hint: "make a new one: ssh-keygen -t ed25519",
    });
  return { type: key.type, line: formatPublicKey(key), fingerprint: key.fingerprint };
}

/** The key types that age encrypts to. */
export function isAgeKey(key: SshKey): boolean {
  return key.type === "ssh-ed25519" || key.type === "ssh-rsa";
}
