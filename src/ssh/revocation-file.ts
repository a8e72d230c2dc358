import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseCertificateLine } from "./certificate.ts";
import { isKrl, parseKrl } from "./krl.ts";
import { onLine } from "./line-error.ts";
import { parsePublicKeyLine } from "./public-key-line.ts";
import type { Fingerprint } from "./public-key.ts";
import type { Revocations } from "./revocations.ts";

const maximumList = 16 << 20;

/** A KRL, or public keys and certificates one a line with `#` comments, as `ssh-keygen -Y verify -r` takes them. */
export function parseRevocations(file: Uint8Array): Revocations {
  return isKrl(file) ? parseKrl(file) : parseKeyList(file);
}

function parseKeyList(file: Uint8Array): Revocations {
  if (file.length > maximumList)
    throw new NixsealError("limit", `list of revoked keys has ${file.length} bytes`);
  const keys = new Set<Fingerprint>();
  for (const [index, line] of utf8Text(file, "list of revoked keys").split("\n").entries()) {
    if (/^[ \t\r]*(?:#|$)/.test(line)) continue;
    try {
      keys.add(keyOfLine(line));
    } catch (error) {
      // Not skipped: the line may name the very key that is asked about.
      throw onLine(error, index + 1);
    }
  }
  return { version: null, keys, sha1: new Set(), certificates: [] };
}

/** A certificate in the list stands for its key. */
function keyOfLine(line: string): Fingerprint {
  if (/^[ \t]*[^ \t]+-cert-v01@openssh\.com[ \t]/.test(line)) {
    return parseCertificateLine(line).certificate.key.fingerprint;
  }
  return parsePublicKeyLine(line).key.fingerprint;
}
