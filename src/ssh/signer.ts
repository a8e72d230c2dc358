/** Making signatures, with a key at hand or through whatever else can sign. */
import { constants, sign } from "node:crypto";
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Certificate } from "./certificate.ts";
import { curves } from "./curves.ts";
import type { PrivateKey } from "./private-key-material.ts";
import type { PublicKey } from "./public-key.ts";
import { verifySignature } from "./signature.ts";
import { signedData, signingKey, type SshSig } from "./sshsig.ts";
import { mpint, string } from "./wire.ts";

/** A private key, wherever it is: in this process, in an agent, in a token. */
export interface Signer {
  /** What the signature will name: the key, or a certificate for it. */
  readonly identity: PublicKey | Certificate;
  /** An SSH signature (algorithm and value) over the data. */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** SSHSIG over a message. `refused` when what the signer gave does not verify: a broken or hostile agent. */
export async function signMessage(
  message: Uint8Array,
  namespace: string,
  signer: Signer,
  hash: SshSig["hash"] = "sha512",
): Promise<SshSig> {
  if (namespace === "" || namespace.includes("\0"))
    throw new NixsealError("usage", "a signature needs a namespace");
  const data = signedData(message, { namespace, hash });
  const signature = await signer.sign(data);
  const result = verifySignature(signingKey(signer.identity), data, signature);
  if (!result.accepted) throw new NixsealError("refused", `the new signature is not good: ${result.reason}`);
  return { signer: signer.identity, namespace, hash, signature };
}

/** Signs in this process; with `certificate` the signature names that instead of the bare key. */
export function privateKeySigner(key: PrivateKey, certificate?: Certificate): Signer {
  if (certificate !== undefined && certificate.key.fingerprint !== key.publicKey.fingerprint) {
    throw new NixsealError("usage", "the certificate is for another key");
  }
  return { identity: certificate ?? key.publicKey, sign: async (data) => signData(key, data) };
}

function signData(key: PrivateKey, data: Uint8Array): Uint8Array {
  switch (key.type) {
    case "ssh-ed25519":
      return concat(string(key.type), string(sign(null, data, key.keyObject)));
    case "ssh-rsa": {
      const value = sign("sha512", data, { key: key.keyObject, padding: constants.RSA_PKCS1_PADDING });
      return concat(string("rsa-sha2-512"), string(value));
    }
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521": {
      const { size, hash } = curves[key.publicKey.curve];
      const fixed = sign(hash, data, { key: key.keyObject, dsaEncoding: "ieee-p1363" });
      return concat(
        string(key.type),
        string(concat(mpint(fixed.subarray(0, size)), mpint(fixed.subarray(size)))),
      );
    }
    default:
      return key satisfies never;
  }
}
