import { createPrivateKey, type JsonWebKey } from "node:crypto";
import { NixsealError } from "../core/errors.ts";
import { SecretValue } from "../core/secret-value.ts";
import { curves, type Curve } from "./curves.ts";
import {
  ecdsaPrivateKey,
  ed25519PrivateKey,
  rsaPrivateKey,
  type PrivateKey,
} from "./private-key-material.ts";

/** One armored block (RFC 7468 and its older kin) and nothing else. */
const block = /^-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----\n[A-Za-z0-9+/=\n]+\n-----END \1-----\s*$/;

/** PKCS #1 (`RSA PRIVATE KEY`), SEC 1 (`EC PRIVATE KEY`) or PKCS #8 (`PRIVATE KEY`), not encrypted. */
export function parsePemPrivateKey(text: string): PrivateKey {
  const pem = text.replaceAll("\r\n", "\n");
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED$/m.test(pem)) {
    throw new NixsealError("refused", "encrypted PEM private keys are not supported", {
      hint: "write it again in OpenSSH's format, which stretches the passphrase better: ssh-keygen -p -f FILE",
    });
  }
  if (!block.test(pem)) {
    throw new NixsealError("malformed", "not an SSH private key", {
      hint: "expected a file that begins with -----BEGIN OPENSSH PRIVATE KEY-----",
    });
  }
  return fromJwk(readNumbers(pem));
}

function readNumbers(pem: string): JsonWebKey {
  try {
    return createPrivateKey({ key: pem, format: "pem" }).export({ format: "jwk" });
  } catch {
    // No cause: it may carry the key. Node has no JWK for DSA and its like either.
    throw new NixsealError("malformed", "not a valid PEM private key of a supported type");
  }
}

/** Through the numbers, so that a key from PEM passes the same checks as one from OpenSSH's format. */
function fromJwk(jwk: JsonWebKey): PrivateKey {
  const number = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? "", "base64url"));
  if (jwk.kty === "RSA") {
    const [n, e, d] = [number(jwk.n), number(jwk.e), number(jwk.d)];
    return rsaPrivateKey({ n, e, d, p: number(jwk.p), q: number(jwk.q), qInv: number(jwk.qi) });
  }
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") return ed25519PrivateKey(new SecretValue(number(jwk.d)));
  const curve = (Object.keys(curves) as Curve[]).find((name) => curves[name].jwk === jwk.crv);
  if (jwk.kty === "EC" && curve !== undefined) return ecdsaPrivateKey(curve, number(jwk.d));
  throw new NixsealError("refused", `private keys of type ${jwk.crv ?? jwk.kty} are not supported`);
}
