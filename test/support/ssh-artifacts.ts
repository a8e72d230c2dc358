/** Certificates and authenticator signatures that no stock tool would make, for tests of what must be refused. */
import { createHash, sign } from "node:crypto";
import { concat } from "../../src/core/bytes.ts";
import { parseCertificate, type Certificate } from "../../src/ssh/certificate.ts";
import type { Ed25519PrivateKey } from "../../src/ssh/private-key-material.ts";
import { ed25519PrivateKey } from "../../src/ssh/private-key-material.ts";
import { parsePublicKey, type PublicKey } from "../../src/ssh/public-key.ts";
import type { Signer } from "../../src/ssh/signer.ts";
import { string, u32, u64, u8 } from "../../src/ssh/wire.ts";
import { SecretValue } from "../../src/core/secret-value.ts";

/** A key that is the same in every run. */
export function fixedKey(number: number): Ed25519PrivateKey {
  return ed25519PrivateKey(new SecretValue(new Uint8Array(32).fill(number)));
}

export interface CertificateFields {
  readonly key: PublicKey;
  readonly ca: Ed25519PrivateKey;
  readonly serial?: bigint;
  readonly kind?: number;
  readonly keyId?: string;
  readonly principals?: readonly string[];
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  /** Names with values; a value is nested, null makes a flag. */
  readonly critical?: readonly (readonly [string, string | null])[];
  readonly extensions?: readonly (readonly [string, string | null])[];
  readonly reserved?: string;
  /** In place of the CA's own signature. */
  readonly signature?: Uint8Array;
}

export function certificateBlob(fields: CertificateFields): Uint8Array {
  const type = fields.key.type;
  const keyFields = fields.key.blob.subarray(4 + type.length);
  const options = (list: CertificateFields["critical"] = []) =>
    string(
      concat(...list.flatMap(([name, value]) => [string(name), string(value === null ? "" : string(value))])),
    );
  const signedPart = concat(
    string(`${type.replace("@openssh.com", "")}-cert-v01@openssh.com`),
    string("nonce"),
    keyFields,
    u64(fields.serial ?? 7n),
    u32(fields.kind ?? 1),
    string(fields.keyId ?? "id"),
    string(concat(...(fields.principals ?? ["alice"]).map((name) => string(name)))),
    u64(fields.validAfter ?? 0n),
    u64(fields.validBefore ?? 2n ** 64n - 1n),
    options(fields.critical),
    options(fields.extensions),
    string(fields.reserved ?? ""),
    string(fields.ca.publicKey.blob),
  );
  const value = sign(null, signedPart, fields.ca.keyObject);
  return concat(signedPart, string(fields.signature ?? concat(string("ssh-ed25519"), string(value))));
}

export function certificate(fields: CertificateFields): Certificate {
  return parseCertificate(certificateBlob(fields));
}

/** A FIDO key in software: what an authenticator with these flags would sign. */
export function authenticator(
  number: number,
  flags: number,
  counter = 1,
): Signer & { readonly identity: PublicKey } {
  const { keyObject, publicKey } = fixedKey(number);
  const type = "sk-ssh-ed25519@openssh.com";
  const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest();
  return {
    identity: parsePublicKey(concat(string(type), string(publicKey.point), string("ssh:"))),
    async sign(data) {
      const signed = concat(sha256("ssh:"), u8(flags), u32(counter), sha256(data));
      return concat(string(type), string(sign(null, signed, keyObject)), u8(flags), u32(counter));
    },
  };
}
