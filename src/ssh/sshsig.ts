/** SSHSIG, OpenSSH's PROTOCOL.sshsig, version 1: detached signatures for any message. */
import { createHash } from "node:crypto";
import { base64, concat, fromBase64, sameBytes, utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import { WireReader, string, u32 } from "./wire.ts";

export interface SshSig {
  /** The signer as the signature states it: nothing is known about it until the signature is verified. */
  readonly signer: PublicKey | Certificate;
  readonly namespace: string;
  readonly hash: "sha256" | "sha512";
  /** An SSH signature over `signedData`. */
  readonly signature: Uint8Array;
}

const magic = utf8("SSHSIG");
const begin = "-----BEGIN SSH SIGNATURE-----";
const end = "-----END SSH SIGNATURE-----";
/** What ssh-keygen writes, what PROTOCOL.sshsig asks for, and what PEM libraries write. */
const lineWidths = [70, 76, 64];
const maximumArmor = 64 << 10;

/**
 * From armor: the two marker lines with base64 between, one line end behind or none, nothing else. Stock tools
 * ignore what follows the END line; whoever carries the signature (a mirror of a git repository) could put a
 * second meaning, and a second commit id, there.
 */
export function parseArmoredSshSig(text: string): SshSig {
  if (text.length > maximumArmor)
    throw new NixsealError("limit", `SSH signature has ${text.length} characters`);
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  if (lines[0] !== begin || lines.at(-1) !== end || lines.length < 3) {
    throw new NixsealError("malformed", "not an SSH signature, or something stands before or behind it", {
      hint: `the file must begin with ${begin} and end with ${end}`,
    });
  }
  const body = lines.slice(1, -1);
  const joined = body.join("");
  const width = lineWidths.find((columns) => sameLines(body, wrap(joined, columns)));
  const blob = width === undefined ? null : fromBase64(joined);
  if (blob === null) throw new NixsealError("malformed", "SSH signature has broken armor");
  return parseSshSig(blob);
}

/** From the blob inside the armor. */
export function parseSshSig(blob: Uint8Array): SshSig {
  const reader = new WireReader(blob, "SSH signature");
  if (!sameBytes(reader.take(magic.length), magic))
    throw new NixsealError("malformed", "not an SSH signature");
  // OpenSSH refuses only versions above 1.
  const version = reader.u32();
  if (version !== 1) throw new NixsealError("malformed", `SSH signature has version ${version}, not 1`);
  const signer = parseSigner(reader.string());
  const namespace = reader.text();
  if (namespace === "") throw new NixsealError("malformed", "SSH signature has an empty namespace");
  // OpenSSH skips whatever is here, and it is not part of what the key signs: anyone could change it.
  if (reader.string().length > 0)
    throw new NixsealError("malformed", "SSH signature uses its reserved field");
  const hash = reader.text();
  if (hash !== "sha256" && hash !== "sha512") {
    throw new NixsealError("refused", `hash '${hash.slice(0, 64)}' is not accepted in an SSH signature`);
  }
  const signature = reader.string();
  reader.end();
  return { signer, namespace, hash, signature };
}

export function armorSshSig(signature: SshSig): string {
  const blob = concat(
    magic,
    u32(1),
    string(signature.signer.blob),
    string(signature.namespace),
    string(""),
    string(signature.hash),
    string(signature.signature),
  );
  return [begin, ...wrap(base64(blob), lineWidths[0]!), end, ""].join("\n");
}

/** A message by its hash, for messages that nobody wants in memory. */
export interface MessageDigest {
  readonly hash: SshSig["hash"];
  readonly digest: Uint8Array;
}

export async function digestMessage(
  pieces: AsyncIterable<Uint8Array>,
  hash: SshSig["hash"],
): Promise<MessageDigest> {
  const state = createHash(hash);
  for await (const piece of pieces) state.update(piece);
  return { hash, digest: state.digest() };
}

/** The bytes that the key signs: the namespace keeps a signature from meaning something elsewhere. */
export function signedData(
  message: Uint8Array | MessageDigest,
  { namespace, hash }: Pick<SshSig, "namespace" | "hash">,
): Uint8Array {
  const known = message instanceof Uint8Array ? digestOf(message, hash) : message;
  if (known.hash !== hash)
    throw new NixsealError("bug", `message hashed with ${known.hash}, signed with ${hash}`);
  return concat(magic, string(namespace), string(""), string(hash), string(known.digest));
}

/** The key that made a signature, also where a certificate speaks for it. */
export function signingKey(signer: PublicKey | Certificate): PublicKey {
  return signer.type === "certificate" ? signer.key : signer;
}

function digestOf(message: Uint8Array, hash: SshSig["hash"]): MessageDigest {
  return { hash, digest: createHash(hash).update(message).digest() };
}

function parseSigner(blob: Uint8Array): PublicKey | Certificate {
  const type = new WireReader(blob, "public key of an SSH signature").text();
  return type.endsWith("-cert-v01@openssh.com") ? parseCertificate(blob) : parsePublicKey(blob);
}

function wrap(text: string, width: number): string[] {
  return Array.from({ length: Math.ceil(text.length / width) }, (_, i) =>
    text.slice(i * width, (i + 1) * width),
  );
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
