/** The parts of an age file that comes as a stream. */
import { ArmorDecoder, isArmored } from "./armor.ts";
import { ByteReader } from "./byte-reader.ts";
import { findHeaderEnd, parseHeader, type Header } from "./header.ts";

export interface AgeFile {
  readonly armored: boolean;
  readonly header: Header;
  /** Stands behind the header: the nonce, then the chunks. */
  readonly payload: ByteReader;
}

/** Reads up to the payload. The caller closes `source`. */
export async function readAgeFile(source: ByteReader): Promise<AgeFile> {
  const armored = await startsArmored(source);
  const payload = armored ? new ByteReader(withoutArmor(source)) : source;
  return { armored, header: await readHeader(payload), payload };
}

async function readHeader(reader: ByteReader): Promise<Header> {
  let looked = 0;
  for (let more = true; more; more = await reader.fill(looked + 1)) {
    const seen = reader.buffered;
    if (seen.length > 0 && findHeaderEnd(seen, looked) !== null) break;
    looked = seen.length;
  }
  const header = parseHeader(Uint8Array.from(reader.buffered)); // copied: the reader's buffer moves on
  reader.consume(header.size);
  return header;
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
