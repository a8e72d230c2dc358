/** The post-quantum recipient type `mlkem768x25519` (age v1 specification): HPKE with ML-KEM-768 and X25519. */
import { base64Unpadded, fromBase64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { openFileKey, sealFileKey } from "./file-key.ts";
import { hpkeKeys, kems } from "./hpke.ts";
import type { KeyIdentity } from "./identity.ts";
import { postQuantum, type Recipient } from "./recipient.ts";
import type { Stanza } from "./stanza.ts";

const type = "mlkem768x25519";
const label = utf8("age-encryption.org/mlkem768x25519");
const recipientSize = 1216;
const shareSize = 1120;
const seedSize = 32;

export class HybridRecipient implements Recipient {
  readonly labels = postQuantum;
  readonly #publicKey: Uint8Array;
  readonly #random: Random;

  /** From the 1,216 bytes behind `age1pq1…`. */
  constructor(publicKey: Uint8Array, random: Random) {
    if (publicKey.length !== recipientSize)
      throw new NixsealError(
        "malformed",
        `hybrid recipient has ${publicKey.length} bytes, not ${recipientSize}`,
      );
    this.#publicKey = publicKey;
    this.#random = random;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const kem = await loadKem();
    const { cipherText, sharedSecret } = kem.encapsulate(this.#publicKey, this.#random.bytes(64));
    const { key, nonce } = hpkeKeys(kems.mlkem768X25519, sharedSecret, label);
    return [{ args: [type, base64Unpadded(cipherText)], body: sealFileKey(fileKey, key, nonce) }];
  }
}

export class HybridIdentity implements KeyIdentity {
  readonly #seed: SecretValue;

  /** From the 32 bytes behind `AGE-SECRET-KEY-PQ-1…`. */
  constructor(seed: SecretValue) {
    if (seed.reveal().length !== seedSize)
      throw new NixsealError("malformed", `hybrid identity has not ${seedSize} bytes`);
    this.#seed = seed;
  }

  async recipients(random: Random): Promise<Recipient[]> {
    return [new HybridRecipient((await loadKem()).getPublicKey(this.#seed.reveal()), random)];
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const ours = stanzas.filter((stanza) => stanza.args[0] === type);
    for (const stanza of ours) {
      const sharedSecret = await this.#decapsulate(readShare(stanza));
      const { key, nonce } = hpkeKeys(kems.mlkem768X25519, sharedSecret, label);
      const fileKey = openFileKey(stanza.body, key, nonce);
      if (fileKey !== null) return fileKey;
    }
    return null;
  }

  async #decapsulate(share: Uint8Array): Promise<Uint8Array> {
    const kem = await loadKem();
    try {
      return kem.decapsulate(share, this.#seed.reveal());
    } catch (cause) {
      throw new NixsealError("malformed", `${type} share is a point of low order`, { cause });
    }
  }
}

function readShare(stanza: Stanza): Uint8Array {
  const share = stanza.args.length === 2 ? fromBase64(stanza.args[1]!, "unpadded") : null;
  if (share?.length !== shareSize)
    throw new NixsealError("malformed", `${type} stanza does not hold one share`);
  return share;
}

/** Node 20 has no ML-KEM. Loaded when needed: it takes as long as all else of a decryption. */
async function loadKem() {
  return (await import("@noble/post-quantum/hybrid.js")).MLKEM768X25519;
}
