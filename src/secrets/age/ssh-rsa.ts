/** The recipient type `ssh-rsa` of age: RSAES-OAEP (RFC 8017 section 7.1) with SHA-256. */
import { constants, privateDecrypt, publicEncrypt, type KeyObject } from "node:crypto";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { publicKeyObject } from "../../ssh/key-object.ts";
import type { RsaPrivateKey } from "../../ssh/private-key-material.ts";
import { minimumRsaBits, type RsaPublicKey } from "../../ssh/public-key.ts";
import { fileKeySize } from "./file-key.ts";
import type { KeyIdentity } from "./identity.ts";
import type { Recipient } from "./recipient.ts";
import { sshTag } from "./ssh-tag.ts";
import type { Stanza } from "./stanza.ts";

const type = "ssh-rsa";
/** OpenSSL uses `oaepHash` for MGF1 as well. */
const oaep = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: "sha256",
  oaepLabel: utf8("age-encryption.org/v1/ssh-rsa"),
};

export class SshRsaRecipient implements Recipient {
  readonly #tag: string;
  readonly #key: KeyObject;

  /** `refused` for keys of less than 2048 bits. */
  constructor(key: RsaPublicKey) {
    if (key.bits < minimumRsaBits)
      throw new NixsealError("refused", `RSA key has ${key.bits} bits, less than ${minimumRsaBits}`, {
        hint: "use an ed25519 key",
      });
    this.#tag = sshTag(key.blob);
    this.#key = publicKeyObject(key);
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const body = new Uint8Array(publicEncrypt({ key: this.#key, ...oaep }, fileKey));
    return [{ args: [type, this.#tag], body }];
  }
}

export class SshRsaIdentity implements KeyIdentity {
  readonly #publicKey: RsaPublicKey;
  readonly #tag: string;
  readonly #key: KeyObject;

  constructor(key: RsaPrivateKey) {
    this.#publicKey = key.publicKey;
    this.#tag = sshTag(key.publicKey.blob);
    this.#key = key.keyObject;
  }

  /** `refused` for keys of less than 2048 bits. */
  recipients(): Recipient[] {
    return [new SshRsaRecipient(this.#publicKey)];
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    for (const stanza of stanzas) {
      if (stanza.args[0] !== type) continue;
      if (stanza.args.length !== 2) throw new NixsealError("malformed", `${type} stanza does not hold a tag`);
      if (stanza.args[1] !== this.#tag) continue;
      const fileKey = this.#open(stanza.body);
      if (fileKey !== null) return fileKey;
    }
    return null;
  }

  /** Null for a key that shares the tag, see ssh-ed25519.ts. */
  #open(body: Uint8Array): Uint8Array | null {
    let fileKey: Uint8Array;
    try {
      fileKey = new Uint8Array(privateDecrypt({ key: this.#key, ...oaep }, body));
    } catch {
      return null; // OAEP has one answer for all faults; more would be an oracle (RFC 8017 section 7.1.2)
    }
    if (fileKey.length !== fileKeySize)
      throw new NixsealError("malformed", `${type} stanza holds ${fileKey.length} bytes, not ${fileKeySize}`);
    return fileKey;
  }
}
