import { concat, utf8Text } from "../../core/bytes.ts";
import { NixsealError, at } from "../../core/errors.ts";
import type { Ports } from "../../core/ports.ts";

type Sources = Pick<Ports, "files" | "streams">;

/** What is larger than any narinfo, derivation or list of names. */
const defaultLimit = 64 << 20;

/** The bytes of a file, or of stdin for `-`, as they come. */
export function inputStream({ files, streams }: Sources, file: string): AsyncIterable<Uint8Array> {
  return file === "-" ? streams.stdin() : files.stream(file);
}

/** Everything in a file, or on stdin for `-`. Throws `limit`. */
export async function inputBytes(
  { files, streams }: Sources,
  file: string,
  limit: number = defaultLimit,
): Promise<Uint8Array> {
  if (file !== "-") return files.read(file, { limit });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of streams.stdin()) {
    size += part.length;
    if (size > limit) throw new NixsealError("limit", `more than ${limit} bytes on stdin`);
    parts.push(part);
  }
  return concat(...parts);
}

/** Lines of UTF-8; the last may lack its end. */
export async function inputLines(sources: Sources, file: string): Promise<string[]> {
  const lines = utf8Text(await inputBytes(sources, file), nameOf(file)).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Runs a parser of the file and adds the file to the place in its errors. */
export async function naming<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw at(error, { file: nameOf(file) });
  }
}

function nameOf(file: string): string {
  return file === "-" ? "stdin" : file;
}
