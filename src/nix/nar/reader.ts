import { NixsealError } from "../../core/errors.ts";
import type { NarEvent, NarLimits } from "./format.ts";
import { NarParser } from "./parser.ts";

/**
 * The events of a whole NAR, as its bytes come. Throws `malformed` or `limit` with the byte offset for what
 * is not exactly one archive in canonical form: also for bytes after its end.
 */
export async function* readNar(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<NarLimits> = {},
): AsyncGenerator<NarEvent, void, undefined> {
  const parser = new NarParser(limits);
  for await (const bytes of source) {
    yield* parser.push(bytes);
    if (parser.rest.length > 0)
      throw new NixsealError("malformed", "bytes follow the end of the NAR", {
        where: { offset: parser.offset },
      });
  }
  parser.end();
}
