import { createGunzip, type Gunzip } from "node:zlib";
import { NixsealError } from "../core/errors.ts";

/** In pieces, whatever the size. `malformed` for what is no gzip or ends early; errors of the input pass through. */
export async function* gunzip(
  compressed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const unzip = createGunzip();
  const feeding = feed(unzip, compressed).catch((error: unknown) => {
    unzip.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const piece of unzip as AsyncIterable<Buffer>) yield piece;
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("malformed", "what should be gzip is damaged or ends early", { cause });
  } finally {
    unzip.destroy();
    await feeding;
  }
}

async function feed(unzip: Gunzip, compressed: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of compressed) {
    if (unzip.destroyed) return;
    if (!unzip.write(piece))
      await new Promise<void>((resolve) => {
        const done = (): void => {
          unzip.off("drain", done).off("close", done);
          resolve();
        };
        unzip.on("drain", done).on("close", done);
      });
  }
  unzip.end();
}
