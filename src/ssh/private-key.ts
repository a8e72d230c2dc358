/** Private key files of every kind that `ssh-keygen` writes. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import {
  parseOpensshPrivateKey,
  type EncryptedPrivateKey,
  type ReadyPrivateKey,
} from "./openssh-private-key.ts";
import { parsePemPrivateKey } from "./pem-private-key.ts";

const maximumFile = 64 << 10;

/**
 * A key of the OpenSSH format (plain or behind a passphrase), or plain PEM as `ssh-keygen -m PEM` and `-m PKCS8`
 * write it (PKCS #1, PKCS #8, SEC 1). `malformed` for anything else; `refused` for what we know and do not
 * take: FIDO key handles, encrypted PEM, unknown ciphers and key types.
 */
export function parsePrivateKey(file: Uint8Array): ReadyPrivateKey | EncryptedPrivateKey {
  if (file.length > maximumFile) throw new NixsealError("limit", `private key file has ${file.length} bytes`);
  const text = utf8Text(file, "private key file");
  if (text.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----")) return parseOpensshPrivateKey(text);
  return { state: "ready", key: parsePemPrivateKey(text) };
}
