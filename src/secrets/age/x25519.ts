/** The native recipient type `X25519` (age v1 specification, "The X25519 recipient type"). */
import type { KeyObject } from "node:crypto";
import { base64Unpadded, concat, fromBase64 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { privateKey, publicKey, publicOf, scalarMult, shareOf } from "./curve25519.ts";
import { openFileKey, sealFileKey } from "./file-key.ts";
import { hkdf } from "./hkdf.ts";
import type { KeyIdentity } from "./identity.ts";
import type { Recipient } from "./recipient.ts";
import type { Stanza } from "./stanza.ts";

const type = "X25519";
const label = "age-encryption.org/v1/X25519";

export class X25519Recipient implements Recipient {
  readonly #publicKey: Uint8Array;
  readonly #point: KeyObject;
  readonly #random: Random;

  /** From the 32 bytes behind `age1…`. */
  constructor(point: Uint8Array, random: Random) {
    if (point.length !== 32)
      throw new NixsealError("malformed", `X25519 recipient has ${point.length} bytes, not 32`);
    this.#publicKey = point;
    this.#point = publicKey(point);
    this.#random = random;
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const ephemeral = this.#random.x25519KeyPair();
    const share = shareOf(ephemeral);
    const shared = scalarMult(ephemeral.privateKey, this.#point);
    const wrappingKey = hkdf(shared, concat(share, this.#publicKey), label);
    return [{ args: [type, base64Unpadded(share)], body: sealFileKey(fileKey, wrappingKey) }];
  }
}

export class X25519Identity implements KeyIdentity {
  readonly #scalar: KeyObject;
  readonly #publicKey: Uint8Array;

  /** From the 32 bytes behind `AGE-SECRET-KEY-1…`. */
  constructor(scalar: Uint8Array) {
    if (scalar.length !== 32)
      throw new NixsealError("malformed", `X25519 identity has ${scalar.length} bytes, not 32`);
    this.#scalar = privateKey(scalar);
    this.#publicKey = publicOf(this.#scalar);
  }

  recipients(random: Random): Recipient[] {
    return [new X25519Recipient(this.#publicKey, random)];
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    for (const stanza of stanzas) {
      if (stanza.args[0] !== type) continue;
      const share = readShare(stanza);
      const shared = scalarMult(this.#scalar, publicKey(share));
      const wrappingKey = hkdf(shared, concat(share, this.#publicKey), label);
      const fileKey = openFileKey(stanza.body, wrappingKey);
      if (fileKey !== null) return fileKey;
    }
    return null;
  }
}

function readShare(stanza: Stanza): Uint8Array {
  const share = stanza.args.length === 2 ? fromBase64(stanza.args[1]!, "unpadded") : null;
  if (share?.length !== 32) throw new NixsealError("malformed", `${type} stanza does not hold one share`);
  return share;
}
