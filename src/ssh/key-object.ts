import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { NixsealError } from "../core/errors.ts";
import { curves } from "./curves.ts";
import type { KeyFields } from "./public-key.ts";

/** For node:crypto. Throws `malformed` when an ECDSA point is not on its curve. */
export function publicKeyObject(key: KeyFields): KeyObject {
  try {
    return createPublicKey({ key: jwkOf(key), format: "jwk" });
  } catch (cause) {
    throw new NixsealError("malformed", `not a valid ${key.type} key`, { cause });
  }
}

function jwkOf(key: KeyFields): JsonWebKey {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  if (key.type === "ssh-rsa") return { kty: "RSA", n: text(key.modulus), e: text(key.exponent) };
  if ("curve" in key) {
    const { jwk, size } = curves[key.curve];
    return {
      kty: "EC",
      crv: jwk,
      x: text(key.point.subarray(1, 1 + size)),
      y: text(key.point.subarray(1 + size)),
    };
  }
  return { kty: "OKP", crv: "Ed25519", x: text(key.point) };
}
