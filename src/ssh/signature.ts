/** Raw signatures: RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC 8709 and OpenSSH's PROTOCOL.u2f. */
import { constants, createHash, verify, type KeyObject } from "node:crypto";
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { curves, type Curve } from "./curves.ts";
import { isReducedScalar } from "./ed25519-point.ts";
import { publicKeyObject } from "./key-object.ts";
import type { PublicKey } from "./public-key.ts";
import { refusal, type Refusal } from "./refusal.ts";
import { weaknessOf } from "./weak-key.ts";
import { WireReader, u32, u8 } from "./wire.ts";

/** What an authenticator says about the moment of signing. */
export interface AuthenticatorFlags {
  readonly userPresence: boolean;
  readonly userVerification: boolean;
  /** Grows with every signature of the authenticator; 0 where it does not count. */
  readonly counter: number;
}

/** It holds; `authenticator` is there for sk keys only. */
export interface ValidSignature {
  readonly accepted: true;
  readonly algorithm: string;
  readonly authenticator?: AuthenticatorFlags;
}

export interface SignatureRequirements {
  /** Only an sk signature that says that its user was verified. An sk key's user presence is always demanded. */
  readonly userVerification?: boolean | undefined;
}

/** RFC 8332. `ssh-rsa`, which is SHA-1, is not among them. */
const rsaHash: Readonly<Record<string, string>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

const bad = refusal("bad-signature", "the signature does not fit the message and the key");

/**
 * Whether `blob` is a signature of `data` by `key`, and a good one. `malformed` when the blob does not follow its
 * format; everything that parses is decided.
 */
export function verifySignature(
  key: PublicKey,
  data: Uint8Array,
  blob: Uint8Array,
  require: SignatureRequirements = {},
): ValidSignature | Refusal {
  const reader = new WireReader(blob, "signature");
  const algorithm = reader.text();
  const value = reader.string();
  const isRsa = key.type === "ssh-rsa";
  // The algorithm is the key's, never the signature's choice: otherwise the signer's enemy picks the weakest.
  if (isRsa ? !Object.hasOwn(rsaHash, algorithm) : algorithm !== key.type) {
    return refusal(
      "algorithm",
      `algorithm '${algorithm.slice(0, 64)}' is not accepted for a ${key.type} key`,
    );
  }
  const weakness = weaknessOf(key);
  if (weakness !== null) return refusal("weak-key", `the key ${weakness}`);
  if (key.type !== "sk-ssh-ed25519@openssh.com" && key.type !== "sk-ecdsa-sha2-nistp256@openssh.com") {
    reader.end();
    if (!holds(key, algorithm, data, value)) return bad;
    if (require.userVerification !== true) return { accepted: true, algorithm };
    return refusal("no-user-verification", "a key outside of an authenticator cannot verify its user");
  }

  const flags = reader.u8();
  const counter = reader.u32();
  reader.end();
  // PROTOCOL.u2f: the authenticator signs the hashes of the application and of the message.
  const signed = concat(sha256(Buffer.from(key.application)), u8(flags), u32(counter), sha256(data));
  if (!holds(key, algorithm, signed, value)) return bad;
  const authenticator = { userPresence: (flags & 1) !== 0, userVerification: (flags & 4) !== 0, counter };
  // Without presence, malware on the machine could sign as long as the token is plugged in.
  if (!authenticator.userPresence) return refusal("no-user-presence", "nobody touched the authenticator");
  if (require.userVerification === true && !authenticator.userVerification) {
    return refusal("no-user-verification", "the authenticator did not verify its user");
  }
  return { accepted: true, algorithm, authenticator };
}

function holds(key: PublicKey, algorithm: string, data: Uint8Array, value: Uint8Array): boolean {
  const object = publicKeyObject(key);
  switch (key.type) {
    case "ssh-ed25519":
    case "sk-ssh-ed25519@openssh.com":
      if (value.length !== 64)
        throw new NixsealError("malformed", "ed25519 signature does not have 64 bytes");
      // RFC 8032 section 5.1.7: S < L. OpenSSH does not look, so each signature there has a twin. OpenSSL looks too;
      // the rule is too important to hang on a library's habits.
      return isReducedScalar(value.subarray(32)) && verify(null, data, object, value);
    case "ssh-rsa":
      // RFC 8017 section 8.2.2 step 1: as long as the modulus. OpenSSH pads shorter ones.
      if (value.length !== Math.ceil(key.bits / 8)) return false;
      return verify(rsaHash[algorithm], data, { key: object, padding: constants.RSA_PKCS1_PADDING }, value);
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521":
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return ecdsaHolds(object, key.curve, data, value);
    default:
      return key satisfies never;
  }
}

/** RFC 5656 section 3.1.2: r and s as numbers. */
function ecdsaHolds(key: KeyObject, curve: Curve, data: Uint8Array, value: Uint8Array): boolean {
  const reader = new WireReader(value, "ecdsa signature");
  const numbers = [reader.mpint(), reader.mpint()];
  reader.end();
  const { size, hash } = curves[curve];
  if (numbers.some((number) => number.length > size)) return false;
  const fixed = concat(...numbers.map((number) => concat(new Uint8Array(size - number.length), number)));
  return verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, fixed);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
