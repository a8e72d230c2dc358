import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { readAgeFile } from "./age-file.ts";
import { decodeArmor, isArmored } from "./armor.ts";
import { ByteReader } from "./byte-reader.ts";
import { parseHeader } from "./header.ts";
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
  const source = new ByteReader(file);
  try {
    const { header, payload } = await readAgeFile(source);
    const fileKey = await openHeader(header, identities);
    await payload.fill(payloadNonceSize);
    const cipher = payloadCipher(fileKey, payload.buffered);
    payload.consume(payloadNonceSize);
    for (let more = true; more;) {
      more = await payload.fill(sealedChunkSize + 1); // one byte more tells whether the chunk is the last
      const sealed = payload.buffered.subarray(0, sealedChunkSize);
      const { plaintext, fault } = cipher.open(sealed, !more);
      payload.consume(sealed.length);
      yield plaintext;
      if (fault !== undefined) throw fault;
    }
  } finally {
    await source.close();
  }
}

function payloadCipher(fileKey: Uint8Array, payload: Uint8Array): PayloadCipher {
  if (payload.length < payloadNonceSize)
    throw new NixsealError("malformed", "file is cut short: it ends before its payload");
  return new PayloadCipher(fileKey, payload.slice(0, payloadNonceSize));
}
