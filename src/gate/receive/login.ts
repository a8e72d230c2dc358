/** Who has logged in, as sshd proved it. */
import { NixsealError } from "../../core/errors.ts";
import { utf8Text } from "../../core/bytes.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Environment } from "../../core/ports.ts";
import { follows, name } from "../../inventory/field-rules.ts";
import { parseCertificateLine } from "../../ssh/certificate.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";

export interface Login {
  /** Whom the line of authorized_keys names (`receive --member NAME`); null where it names nobody. */
  readonly member: string | null;
  /** The keys that logged in, a certificate's among them; null where sshd does not say. */
  readonly keys: readonly PublicKey[] | null;
}

/** For the ledger. Null unless it is known whose key it was, and which. */
export function senderOf({ member, keys }: Login): { readonly member: string; readonly key: string } | null {
  const key = keys?.[0];
  return member === null || key === undefined ? null : { member, key: key.fingerprint };
}

const largest = 64 << 10;

/**
 * What sshd hands over with `ExposeAuthInfo yes`: a file of the session's own, a line for each method that
 * succeeded, `publickey TYPE BASE64` for a key. sshd sets the variable after those that the client may send
 * (`AcceptEnv`), so that it cannot be the client's. Lines of other methods say nothing about a key.
 */
export async function readLogin(
  { environment, files }: { readonly environment: Environment; readonly files: Pick<Files, "read"> },
  member: string | null,
): Promise<Login> {
  if (member !== null && !follows(name, member))
    throw new NixsealError("usage", `--member is not ${name.expected}`);
  const path = environment.get("SSH_USER_AUTH");
  if (path === undefined || path === "") return { member, keys: null };
  const text = utf8Text(await files.read(path, { limit: largest, follow: false }), path);
  return { member, keys: parseAuthInfo(text) };
}

export function parseAuthInfo(text: string): PublicKey[] {
  return text.split("\n").flatMap((line) => {
    const match = /^publickey ([a-z0-9@.-]+ [A-Za-z0-9+/=]+)$/.exec(line);
    if (match === null) return [];
    const key = match[1]!;
    return key.includes("-cert-v01@openssh.com ")
      ? [parseCertificateLine(key).certificate.key]
      : [parsePublicKeyLine(key).key];
  });
}
