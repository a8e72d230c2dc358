/** The recipient type `ssh-ed25519` of age: an SSH key serves as an X25519 key, its use marked by a tweak. */
import { createHash, type KeyObject } from "node:crypto";
import { base64Unpadded, concat, fromBase64 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { Ed25519PrivateKey } from "../../ssh/private-key-material.ts";
import type { Ed25519PublicKey } from "../../ssh/public-key.ts";
import { privateKey, publicKey, publicOf, scalarMult, shareOf } from "./curve25519.ts";
import { montgomeryU } from "./edwards.ts";
import { openFileKey, sealFileKey } from "./file-key.ts";
import { hkdf } from "./hkdf.ts";
import type { KeyIdentity } from "./identity.ts";
import type { Recipient } from "./recipient.ts";
import { sshTag } from "./ssh-tag.ts";
import type { Stanza } from "./stanza.ts";

const type = "ssh-ed25519";
const label = "age-encryption.org/v1/ssh-ed25519";

export class SshEd25519Recipient implements Recipient {
  readonly #tag: string;
  readonly #montgomery: Uint8Array;
  readonly #tweaked: KeyObject;
  readonly #random: Random;

  constructor(key: Ed25519PublicKey, random: Random) {
    this.#tag = sshTag(key.blob);
    this.#montgomery = montgomeryU(key.point);
    // age computes tweak × (ephemeral × key). The order of the factors is free, so tweak × key is computed
    // once and each stanza costs no more than one of the type X25519.
    this.#tweaked = publicKey(scalarMult(tweakOf(key.blob), publicKey(this.#montgomery)));
    this.#random = random;
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const ephemeral = this.#random.x25519KeyPair();
    const share = shareOf(ephemeral);
    const shared = scalarMult(ephemeral.privateKey, this.#tweaked);
    const wrappingKey = hkdf(shared, concat(share, this.#montgomery), label);
    return [{ args: [type, this.#tag, base64Unpadded(share)], body: sealFileKey(fileKey, wrappingKey) }];
  }
}

export class SshEd25519Identity implements KeyIdentity {
  readonly #key: Ed25519PublicKey;
  readonly #tag: string;
  readonly #scalar: KeyObject;
  readonly #montgomery: Uint8Array;
  readonly #tweak: KeyObject;

  constructor(key: Ed25519PrivateKey) {
    this.#key = key.publicKey;
    this.#tag = sshTag(key.publicKey.blob);
    // RFC 8032 section 5.1.5: the secret scalar is the first half of the hashed seed; X25519 clamps it.
    const hash = createHash("sha512").update(key.seed.reveal()).digest();
    this.#scalar = privateKey(hash.subarray(0, 32));
    hash.fill(0);
    this.#montgomery = publicOf(this.#scalar);
    this.#tweak = tweakOf(key.publicKey.blob);
  }

  recipients(random: Random): Recipient[] {
    return [new SshEd25519Recipient(this.#key, random)];
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    for (const stanza of stanzas) {
      if (stanza.args[0] !== type) continue;
      const { tag, share } = readArguments(stanza);
      if (tag !== this.#tag) continue;
      const shared = scalarMult(this.#tweak, publicKey(scalarMult(this.#scalar, publicKey(share))));
      const wrappingKey = hkdf(shared, concat(share, this.#montgomery), label);
      const fileKey = openFileKey(stanza.body, wrappingKey);
      // A tag has 32 bits only: another key may have the same one, by chance or made so. The search goes on.
      if (fileKey !== null) return fileKey;
    }
    return null;
  }
}

function tweakOf(blob: Uint8Array): KeyObject {
  return privateKey(hkdf(new Uint8Array(), blob, label));
}

function readArguments(stanza: Stanza): { tag: string; share: Uint8Array } {
  const [, tag, shareText] = stanza.args;
  const share = fromBase64(shareText ?? "", "unpadded");
  if (stanza.args.length !== 3 || share?.length !== 32)
    throw new NixsealError("malformed", `${type} stanza does not hold a tag and a share`);
  return { tag: tag!, share };
}
