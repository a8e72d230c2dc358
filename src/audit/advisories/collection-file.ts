/** A collection as a file: one advisory of our format a line, sorted by id. */
import { concat, utf8 } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import { Collection } from "./collection.ts";
import { toOsv } from "./export/osv.ts";
import { parseOsv } from "./import/osv.ts";

const longestLine = 16 << 20;
const piece = 1 << 20;

/** An empty one when there is no file. Throws `malformed` with the line. */
export async function readCollection(
  files: Pick<Files, "stream" | "status">,
  path: string,
): Promise<Collection> {
  const collection = new Collection();
  if ((await files.status(path)) === null) return collection;
  let line = 0;
  for await (const bytes of linesOf(files.stream(path))) {
    line++;
    try {
      collection.restore(parseOsv(bytes));
    } catch (error) {
      throw at(error, { file: path, line });
    }
  }
  return collection;
}

/** The old file or the new one, never a part. */
export async function writeCollection(
  files: Pick<Files, "openAtomic">,
  path: string,
  collection: Collection,
): Promise<void> {
  const file = await files.openAtomic(path, { mode: 0o644 });
  try {
    let lines: string[] = [];
    let size = 0;
    for (const advisory of collection.sorted()) {
      const line = `${JSON.stringify(toOsv(advisory))}\n`;
      lines.push(line);
      size += line.length;
      if (size < piece) continue;
      await file.write(utf8(lines.join("")));
      [lines, size] = [[], 0];
    }
    await file.write(utf8(lines.join("")));
    await file.commit();
  } finally {
    await file.discard();
  }
}

/** The last line may lack its end. Throws `limit` for a line that has none. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of pieces) {
    let begin = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, begin)) {
      yield concat(...parts, bytes.subarray(begin, end));
      [parts, size, begin] = [[], 0, end + 1];
    }
    const rest = bytes.subarray(begin);
    size += rest.length;
    if (size > longestLine) throw new NixsealError("limit", `a line has more than ${longestLine} bytes`);
    if (rest.length > 0) parts.push(rest);
  }
  if (parts.length > 0) yield concat(...parts);
}
