/** How OpenSSH encrypts private keys: OpenSSH's PROTOCOL.key and bcrypt_pbkdf(3). */
import { createDecipheriv, type CipherGCMTypes } from "node:crypto";
import { NixsealError } from "../core/errors.ts";
import type { SecretValue } from "../core/secret-value.ts";
import { WireReader } from "./wire.ts";

/** Sizes in bytes. `tag` is non-zero for ciphers that authenticate; their tag stands behind the ciphertext. */
export interface Cipher {
  readonly openssl: string;
  readonly key: number;
  readonly iv: number;
  readonly block: number;
  readonly tag: number;
}

/** Salt and cost of the passphrase's stretching. */
export interface BcryptOptions {
  readonly salt: Uint8Array;
  readonly rounds: number;
}

/**
 * About 20 ms a round here, so at most some 20 seconds. `ssh-keygen -a` writes 16 or 24 rounds by default; a
 * hostile file may ask for 2^32 of them.
 */
const maximumRounds = 1024;

const ciphers: Readonly<Record<string, Cipher>> = {
  "aes128-ctr": { openssl: "aes-128-ctr", key: 16, iv: 16, block: 16, tag: 0 },
  "aes192-ctr": { openssl: "aes-192-ctr", key: 24, iv: 16, block: 16, tag: 0 },
  "aes256-ctr": { openssl: "aes-256-ctr", key: 32, iv: 16, block: 16, tag: 0 },
  "aes128-cbc": { openssl: "aes-128-cbc", key: 16, iv: 16, block: 16, tag: 0 },
  "aes192-cbc": { openssl: "aes-192-cbc", key: 24, iv: 16, block: 16, tag: 0 },
  "aes256-cbc": { openssl: "aes-256-cbc", key: 32, iv: 16, block: 16, tag: 0 },
  "3des-cbc": { openssl: "des-ede3-cbc", key: 24, iv: 8, block: 8, tag: 0 },
  "aes128-gcm@openssh.com": { openssl: "aes-128-gcm", key: 16, iv: 12, block: 16, tag: 16 },
  "aes256-gcm@openssh.com": { openssl: "aes-256-gcm", key: 32, iv: 12, block: 16, tag: 16 },
};

export function cipherNamed(name: string): Cipher {
  const cipher = Object.hasOwn(ciphers, name) ? ciphers[name] : undefined;
  if (cipher !== undefined) return cipher;
  throw new NixsealError(
    "refused",
    `private key is encrypted with '${name.slice(0, 64)}', which is not supported`,
    {
      hint: "write it again with the default cipher: ssh-keygen -p -Z aes256-ctr -f FILE",
    },
  );
}

export function readBcryptOptions(options: WireReader): BcryptOptions {
  const salt = options.string(64);
  const rounds = options.u32();
  options.end();
  if (salt.length === 0 || rounds === 0)
    throw new NixsealError("malformed", "private key has no salt or no rounds");
  if (rounds > maximumRounds) {
    throw new NixsealError("limit", `private key wants ${rounds} bcrypt rounds, more than ${maximumRounds}`, {
      hint: "write it again with fewer: ssh-keygen -p -a 100 -f FILE",
    });
  }
  return { salt, rounds };
}

/** The plaintext, which is unchecked unless the cipher authenticates. A wrong tag is `refused`: a wrong passphrase. */
export async function decryptPrivateKey(
  ciphertext: Uint8Array,
  tag: Uint8Array,
  cipher: Cipher,
  { salt, rounds }: BcryptOptions,
  passphrase: SecretValue,
): Promise<Uint8Array> {
  // Loaded here, so that programs which only see plain keys never pay for it.
  const { pbkdf } = await import("bcrypt-pbkdf");
  const words = passphrase.reveal();
  const derived = new Uint8Array(cipher.key + cipher.iv);
  if (pbkdf(words, words.length, salt, salt.length, derived, derived.length, rounds) !== 0)
    throw wrongPassphrase();
  try {
    return decipher(cipher, derived.subarray(0, cipher.key), derived.subarray(cipher.key), ciphertext, tag);
  } finally {
    derived.fill(0);
  }
}

export function wrongPassphrase(): NixsealError {
  return new NixsealError("refused", "the passphrase does not open this private key");
}

function decipher(
  cipher: Cipher,
  key: Uint8Array,
  iv: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
): Uint8Array {
  if (cipher.tag === 0) {
    const context = createDecipheriv(cipher.openssl, key, iv).setAutoPadding(false);
    return Buffer.concat([context.update(ciphertext), context.final()]);
  }
  const context = createDecipheriv(cipher.openssl as CipherGCMTypes, key, iv, { authTagLength: cipher.tag });
  context.setAuthTag(tag);
  const plaintext = context.update(ciphertext);
  try {
    context.final();
  } catch {
    throw wrongPassphrase();
  }
  return plaintext;
}
