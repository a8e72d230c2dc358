/**
 * The recipient types `p256tag` and `mlkem768p256tag` (age v1 specification, "Tagged recipients"): keys that a
 * TPM, a security key or the like holds. The tag tells its owner which stanza to try, and nobody else.
 * Decrypting is the work of the plugin that drives the hardware.
 */
import { createECDH, createHash, ECDH } from "node:crypto";
import { base64Unpadded, concat, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { sealFileKey } from "./file-key.ts";
import { extract } from "./hkdf.ts";
import { dhKemSecret, hpkeKeys, kems, type Kem } from "./hpke.ts";
import { postQuantum, type Recipient } from "./recipient.ts";
import type { Stanza } from "./stanza.ts";

const curve = "prime256v1";
const hybridSize = 1249;
/** ML-KEM's part of a hybrid recipient; the P-256 point follows. */
const mlkemSize = 1184;

export class TagRecipient implements Recipient {
  readonly #compressed: Uint8Array;
  readonly #point: Uint8Array;
  readonly #random: Random;

  /** From the 33 bytes behind `age1tag1…`, a compressed point. */
  constructor(compressed: Uint8Array, random: Random) {
    this.#compressed = compressed;
    this.#point = uncompressed(compressed);
    this.#random = random;
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const { share, shared } = this.#agree();
    const secret = dhKemSecret(kems.dhP256, shared, concat(share, this.#point));
    return [tagged("p256tag", kems.dhP256, { share, secret, tagKey: this.#compressed, fileKey })];
  }

  #agree(): { share: Uint8Array; shared: Uint8Array } {
    const ephemeral = createECDH(curve);
    for (;;) {
      try {
        ephemeral.setPrivateKey(this.#random.bytes(32));
        break;
      } catch {
        continue; // not below the order of the group, one in 2^32: the next one is
      }
    }
    return {
      share: new Uint8Array(ephemeral.getPublicKey()),
      shared: new Uint8Array(ephemeral.computeSecret(this.#point)),
    };
  }
}

export class HybridTagRecipient implements Recipient {
  readonly labels = postQuantum;
  readonly #publicKey: Uint8Array;
  readonly #random: Random;

  /** From the 1,249 bytes behind `age1tagpq1…`. */
  constructor(publicKey: Uint8Array, random: Random) {
    if (publicKey.length !== hybridSize)
      throw new NixsealError(
        "malformed",
        `tagged recipient has ${publicKey.length} bytes, not ${hybridSize}`,
      );
    this.#publicKey = publicKey;
    this.#random = random;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const { MLKEM768P256 } = await import("@noble/post-quantum/hybrid.js");
    const encapsulated = MLKEM768P256.encapsulate(this.#publicKey, this.#random.bytes(160));
    const [share, secret] = [encapsulated.cipherText, encapsulated.sharedSecret];
    const tagKey = this.#publicKey.subarray(mlkemSize);
    return [tagged("mlkem768p256tag", kems.mlkem768P256, { share, secret, tagKey, fileKey })];
  }
}

interface Tagged {
  readonly share: Uint8Array;
  readonly secret: Uint8Array;
  readonly tagKey: Uint8Array;
  readonly fileKey: Uint8Array;
}

function tagged(type: string, kem: Kem, { share, secret, tagKey, fileKey }: Tagged): Stanza {
  const label = utf8(`age-encryption.org/${type}`);
  const keyHash = createHash("sha256").update(tagKey).digest().subarray(0, 4);
  const tag = extract(label, concat(share, keyHash)).subarray(0, 4);
  const { key, nonce } = hpkeKeys(kem, secret, label);
  return { args: [type, base64Unpadded(tag), base64Unpadded(share)], body: sealFileKey(fileKey, key, nonce) };
}

function uncompressed(point: Uint8Array): Uint8Array {
  const isCompressed = point.length === 33 && (point[0] === 2 || point[0] === 3);
  try {
    if (isCompressed) return Buffer.from(ECDH.convertKey(point, curve, undefined, undefined, "uncompressed"));
  } catch (cause) {
    throw new NixsealError("malformed", "tagged recipient is not a point of P-256", { cause });
  }
  throw new NixsealError("malformed", "tagged recipient is not a compressed point");
}
