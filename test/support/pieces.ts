/** The same bytes as a stream in pieces of `size`; every parser is fed whole, in pieces and byte by byte. */
export async function* inPieces(bytes: Uint8Array, size: number = Math.max(bytes.length, 1)) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}
