declare module "bcrypt-pbkdf" {
  /** OpenBSD's bcrypt_pbkdf(3): fills `key`; returns 0, or -1 when a length or `rounds` is impossible. */
  export function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): 0 | -1;
}
