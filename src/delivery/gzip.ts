import { createGunzip, createGzip, type Gunzip, type Gzip } from "node:zlib";
import { NixsealError } from "../core/errors.ts";

export function gzip(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  return through(createGzip(), bytes);
}

/** In pieces, whatever the size. `malformed` for what is no gzip or ends early; errors of the input pass through. */
export async function* gunzip(
  compressed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* through(createGunzip(), compressed);
  } catch (cause) {
    if (cause instanceof NixsealError) throw cause;
    throw new NixsealError("malformed", "what should be gzip is damaged or ends early", { cause });
  }
}

async function* through(
  transform: Gzip | Gunzip,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const feeding = feed(transform, bytes).catch((error: unknown) => {
    transform.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const piece of transform as AsyncIterable<Buffer>) yield piece;
  } finally {
    transform.destroy(); // a reader that stops early lets the input go too
    await feeding;
  }
}

async function feed(transform: Gzip | Gunzip, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of bytes) {
    if (transform.destroyed) return;
    if (!transform.write(piece))
      await new Promise<void>((resolve) => {
        const done = (): void => {
          transform.off("drain", done).off("close", done);
          resolve();
        };
        transform.on("drain", done).on("close", done);
      });
  }
  transform.end();
}
