import { concat } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { ArmorEncoder, encodeArmor } from "./armor.ts";
import { limits } from "./limits.ts";
import { chunkSize, PayloadCipher, payloadNonceSize } from "./payload.ts";
import type { Recipient } from "./recipient.ts";
import { sealHeader } from "./seal-header.ts";

export interface Format {
  /** ASCII armor, for where binary does not pass. Default: false. */
  readonly armor?: boolean | undefined;
}

/** One age file from bytes in memory. */
export async function encryptBytes(
  plaintext: Uint8Array,
  recipients: readonly Recipient[],
  random: Random,
  { armor = false }: Format = {},
): Promise<Uint8Array> {
  if (plaintext.length > limits.plaintext)
    throw new NixsealError("limit", `plaintext is larger than ${limits.plaintext} bytes`);
  const { fileKey, header } = await sealHeader(recipients, random);
  const nonce = random.bytes(payloadNonceSize);
  const cipher = new PayloadCipher(fileKey, nonce);
  const parts = [header, nonce];
  let start = 0;
  do {
    const end = start + chunkSize;
    parts.push(...cipher.seal(plaintext.subarray(start, end), end >= plaintext.length));
    start = end;
  } while (start < plaintext.length);
  const file = concat(...parts);
  return armor ? encodeArmor(file) : file;
}

/** One age file from a stream of any size; memory stays flat. */
export async function* encrypt(
  plaintext: AsyncIterable<Uint8Array>,
  recipients: readonly Recipient[],
  random: Random,
  { armor = false }: Format = {},
): AsyncGenerator<Uint8Array> {
  const binary = encryptBinary(plaintext, recipients, random);
  yield* armor ? armored(binary) : binary;
}

async function* armored(binary: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const encoder = new ArmorEncoder();
  for await (const piece of binary) yield encoder.write(piece);
  yield encoder.finish();
}

async function* encryptBinary(
  plaintext: AsyncIterable<Uint8Array>,
  recipients: readonly Recipient[],
  random: Random,
): AsyncGenerator<Uint8Array> {
  const { fileKey, header } = await sealHeader(recipients, random);
  const nonce = random.bytes(payloadNonceSize);
  const cipher = new PayloadCipher(fileKey, nonce);
  yield concat(header, nonce);
  // A full chunk is sealed when a byte after it has come: only the end of the input says which chunk is the last.
  const pending = Buffer.alloc(chunkSize);
  let size = 0;
  for await (const piece of plaintext) {
    for (let start = 0; start < piece.length;) {
      if (size === chunkSize) {
        yield concat(...cipher.seal(pending, false));
        size = 0;
      }
      const part = piece.subarray(start, start + chunkSize - size);
      pending.set(part, size);
      size += part.length;
      start += part.length;
    }
  }
  yield concat(...cipher.seal(pending.subarray(0, size), true));
}
