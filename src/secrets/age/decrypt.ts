import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { ArmorDecoder, decodeArmor, isArmored } from "./armor.ts";
import { ByteReader } from "./byte-reader.ts";
import { findHeaderEnd, parseHeader } from "./header.ts";
import type { Identity } from "./identity.ts";
import { limits } from "./limits.ts";
import { PayloadCipher, payloadNonceSize, sealedChunkSize } from "./payload.ts";
import { openHeader } from "./seal-header.ts";

/**
 * The plaintext of an age file, armored or not, that is whole in memory. `refused` when no identity fits,
 * `malformed` for a file that is broken or altered; nothing of its plaintext is returned then.
 */
export async function decryptBytes(file: Uint8Array, identities: readonly Identity[]): Promise<SecretValue> {
  const binary = isArmored(file) === true ? decodeArmor(file) : file;
  const header = parseHeader(binary);
  const fileKey = await openHeader(header, identities);
  const payload = binary.subarray(header.size);
  if (payload.length > limits.plaintext)
    throw new NixsealError("limit", `payload is larger than ${limits.plaintext} bytes`);
  const cipher = payloadCipher(fileKey, payload);
  const chunks: Uint8Array[] = [];
  let start = payloadNonceSize;
  do {
    const end = start + sealedChunkSize;
    const { plaintext, fault } = cipher.open(payload.subarray(start, end), end >= payload.length);
    if (fault !== undefined) throw fault;
    chunks.push(plaintext);
    start = end;
  } while (start < payload.length);
  if (chunks.length === 1) return new SecretValue(chunks[0]!);
  const plaintext = new SecretValue(new Uint8Array(Buffer.concat(chunks)));
  for (const chunk of chunks) chunk.fill(0);
  return plaintext;
}

/**
 * The plaintext of an age file of any size; memory stays flat. Nothing comes before the header's MAC holds, and
 * each chunk only when its own tag does. The file may still turn out to be cut short or altered later: what came
 * so far is then a true beginning of the plaintext, and the stream ends with `malformed`.
 */
export async function* decrypt(
  file: AsyncIterable<Uint8Array>,
  identities: readonly Identity[],
): AsyncGenerator<Uint8Array> {
  const outer = new ByteReader(file);
  try {
    const armored = await startsArmored(outer);
    const reader = armored ? new ByteReader(withoutArmor(outer)) : outer;
    const cipher = await readHeader(reader, identities);
    for (;;) {
      const more = await reader.fill(sealedChunkSize + 1); // one byte more tells whether the chunk is the last
      const sealed = reader.buffered.subarray(0, sealedChunkSize);
      const { plaintext, fault } = cipher.open(sealed, !more);
      yield plaintext;
      if (fault !== undefined) throw fault;
      reader.consume(sealed.length);
      if (!more) return;
    }
  } finally {
    await outer.close();
  }
}

async function startsArmored(reader: ByteReader): Promise<boolean> {
  let more = true;
  for (;;) {
    const armored = isArmored(reader.buffered);
    if (armored !== null) return armored;
    if (!more) return false;
    more = await reader.fill(reader.buffered.length + 1);
  }
}

async function* withoutArmor(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const decoder = new ArmorDecoder();
  for (;;) {
    const more = await reader.fill(1);
    if (!more) break;
    const decoded = decoder.write(reader.buffered);
    reader.consume(reader.buffered.length);
    if (decoded.length > 0) yield decoded;
  }
  const rest = decoder.finish();
  if (rest.length > 0) yield rest;
}

/** Reads up to the first chunk. */
async function readHeader(reader: ByteReader, identities: readonly Identity[]): Promise<PayloadCipher> {
  let looked = 0;
  for (;;) {
    const seen = reader.buffered;
    if (seen.length > 0 && findHeaderEnd(seen, looked) !== null) break;
    looked = seen.length;
    if (!(await reader.fill(looked + 1))) break;
  }
  // Copied: the reader's buffer moves on.
  const header = parseHeader(Uint8Array.from(reader.buffered));
  reader.consume(header.size);
  const fileKey = await openHeader(header, identities);
  await reader.fill(payloadNonceSize);
  const cipher = payloadCipher(fileKey, reader.buffered);
  reader.consume(payloadNonceSize);
  return cipher;
}

function payloadCipher(fileKey: Uint8Array, payload: Uint8Array): PayloadCipher {
  if (payload.length < payloadNonceSize)
    throw new NixsealError("malformed", "file is cut short: it ends before its payload");
  return new PayloadCipher(fileKey, payload.slice(0, payloadNonceSize));
}
