/** Public keys as text: the one line of a `.pub` file, which `authorized_keys` and `known_hosts` hold too. */
import { base64, fromBase64 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parsePublicKey, requireKeyType, type PublicKey } from "./public-key.ts";

/**
 * `TYPE BASE64 [COMMENT]`, one line with or without its line end. The type in front must be the type inside:
 * a reader that trusts the first would otherwise be told another algorithm than the one used.
 */
export function parsePublicKeyLine(line: string): { key: PublicKey; comment: string } {
  const { type, blob, comment } = splitKeyLine(line);
  requireKeyType(type);
  const key = parsePublicKey(blob);
  if (key.type !== type) throw new NixsealError("malformed", `key says '${type}' but holds '${key.type}'`);
  return { key, comment };
}

/** The three parts of a key or certificate line, with the base64 decoded strictly. */
export function splitKeyLine(line: string): { type: string; blob: Uint8Array; comment: string } {
  // Nothing here can match the same characters in two ways: time is linear in the line.
  const match = /^[ \t]*([^ \t\r\n]+)[ \t]+([^ \t\r\n]+)([ \t][^\r\n]*)?\r?\n?$/.exec(line);
  const blob = match === null ? null : fromBase64(match[2]!);
  if (match === null || blob === null || blob.length === 0) {
    throw new NixsealError("malformed", "not an SSH public key line", {
      hint: "a public key is one line: TYPE BASE64 COMMENT, as in a .pub file",
    });
  }
  return { type: match[1]!, blob, comment: match[3]?.trim() ?? "" };
}

export function formatPublicKey(key: PublicKey, comment = ""): string {
  return [key.type, base64(key.blob), comment].filter((part) => part !== "").join(" ");
}
