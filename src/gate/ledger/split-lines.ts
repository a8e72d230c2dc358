import { concat } from "../../core/bytes.ts";

export interface RawLine {
  /** Without the line end; null when it is longer than was allowed. */
  readonly bytes: Uint8Array | null;
  /** With the line end, also of a line that is too long. */
  readonly size: number;
  /** Whether the line end was there. */
  readonly whole: boolean;
}

const lineEnd = 0x0a;

/** One line at a time; no more than `limit` bytes are kept of any. */
export async function* splitLines(pieces: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<RawLine> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const keep = (part: Uint8Array): void => {
    size += part.length;
    if (size <= limit) parts.push(part);
    else parts = [];
  };
  const take = (whole: boolean): RawLine => {
    const line = { bytes: size > limit ? null : concat(...parts), size: size + (whole ? 1 : 0), whole };
    parts = [];
    size = 0;
    return line;
  };
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf(lineEnd); end !== -1; end = piece.indexOf(lineEnd, from)) {
      keep(piece.subarray(from, end));
      yield take(true);
      from = end + 1;
    }
    if (from < piece.length) keep(piece.subarray(from));
  }
  if (size > 0) yield take(false);
}
