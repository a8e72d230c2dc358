/** The container `openssh-key-v1`: OpenSSH's PROTOCOL.key, between its two armor lines. */
import { concat, fromBase64, sameBytes, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { SecretValue } from "../core/secret-value.ts";
import { cipherNamed, decryptPrivateKey, readBcryptOptions, wrongPassphrase } from "./private-key-cipher.ts";
import {
  ecdsaPrivateKey,
  ed25519PrivateKey,
  requireSameKey,
  rsaPrivateKey,
  type PrivateKey,
} from "./private-key-material.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import { WireReader } from "./wire.ts";

/** A private key behind a passphrase. Its public half is readable without. */
export interface EncryptedPrivateKey {
  readonly state: "encrypted";
  readonly publicKey: PublicKey;
  /** `refused` when the passphrase is wrong. Runs some 20 ms for each of the file's rounds, without a pause. */
  decrypt(passphrase: SecretValue): Promise<PrivateKey>;
}

export interface ReadyPrivateKey {
  readonly state: "ready";
  readonly key: PrivateKey;
}

const armor =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\s*$/;
const magic = utf8("openssh-key-v1\0");

/** Takes lines of any width and both line ends, as OpenSSH does; nothing may stand before or behind the armor. */
export function parseOpensshPrivateKey(text: string): ReadyPrivateKey | EncryptedPrivateKey {
  const body = armor.exec(text.replaceAll("\r\n", "\n"))?.[1];
  const bytes = body === undefined ? null : fromBase64(body.replaceAll("\n", ""));
  if (bytes === null) throw new NixsealError("malformed", "OpenSSH private key has broken armor");
  const reader = new WireReader(bytes, "OpenSSH private key");
  if (!sameBytes(reader.take(magic.length), magic)) {
    throw new NixsealError("malformed", "OpenSSH private key is not of version 1");
  }
  const cipherName = reader.text();
  const kdf = reader.text();
  const kdfOptions = reader.nested("the KDF options of a private key");
  if (reader.u32() !== 1)
    throw new NixsealError("malformed", "OpenSSH private key file holds more than one key");
  const publicKey = parsePublicKey(reader.string());
  const secret = reader.string();
  if (publicKey.type.startsWith("sk-")) {
    throw new NixsealError(
      "refused",
      `the private half of a ${publicKey.type} key stays in its authenticator`,
      {
        hint: "sign with ssh-keygen or an agent, which ask for the touch",
      },
    );
  }

  if (kdf === "none" && cipherName === "none") {
    kdfOptions.end();
    reader.end();
    return { state: "ready", key: readSecretPart(secret, publicKey, 8) };
  }
  if (kdf !== "bcrypt") throw new NixsealError("refused", `private key uses KDF '${kdf.slice(0, 64)}'`);
  const cipher = cipherNamed(cipherName);
  const options = readBcryptOptions(kdfOptions);
  const tag = reader.take(cipher.tag);
  reader.end();
  requireWholeBlocks(secret, cipher.block);
  return {
    state: "encrypted",
    publicKey,
    async decrypt(passphrase) {
      const plain = await decryptPrivateKey(secret, tag, cipher, options, passphrase);
      try {
        return readSecretPart(plain, publicKey, cipher.block);
      } finally {
        plain.fill(0);
      }
    },
  };
}

function requireWholeBlocks(secret: Uint8Array, block: number): void {
  if (secret.length === 0 || secret.length % block !== 0) {
    throw new NixsealError("malformed", "OpenSSH private key does not fill its blocks");
  }
}

function readSecretPart(plain: Uint8Array, publicKey: PublicKey, block: number): PrivateKey {
  requireWholeBlocks(plain, block);
  const reader = new WireReader(plain, "private part of an OpenSSH key");
  if (reader.u32() !== reader.u32()) throw wrongPassphrase(); // the format's only check of the passphrase
  if (reader.text() !== publicKey.type) throw new NixsealError("malformed", "private key has two types");
  const key = readKey(publicKey, reader);
  requireSameKey(publicKey.blob, key);
  if (reader.rest().some((byte, i) => byte !== ((i + 1) & 0xff))) {
    throw new NixsealError("malformed", "OpenSSH private key has wrong padding");
  }
  return key;
}

function readKey(publicKey: PublicKey, reader: WireReader): PrivateKey {
  switch (publicKey.type) {
    case "ssh-ed25519": {
      const point = reader.string();
      const secret = reader.string();
      if (
        !sameBytes(point, publicKey.point) ||
        secret.length !== 64 ||
        !sameBytes(secret.subarray(32), point)
      ) {
        throw new NixsealError("malformed", "ed25519 private key has two public halves");
      }
      return ed25519PrivateKey(new SecretValue(concat(secret.subarray(0, 32))), reader.comment());
    }
    case "ssh-rsa": {
      const [n, e, d] = [reader.mpint(), reader.mpint(), reader.mpint()];
      const [qInv, p, q] = [reader.mpint(), reader.mpint(), reader.mpint()];
      return rsaPrivateKey({ n, e, d, p, q, qInv }, reader.comment());
    }
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521": {
      if (reader.text() !== publicKey.curve || !sameBytes(reader.string(), publicKey.point)) {
        throw new NixsealError("malformed", "ecdsa private key has two public halves");
      }
      return ecdsaPrivateKey(publicKey.curve, reader.mpint(), reader.comment());
    }
    case "sk-ssh-ed25519@openssh.com":
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      throw new NixsealError("bug", "an sk key has no private part to read");
    default:
      return publicKey satisfies never;
  }
}
