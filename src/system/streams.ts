import { createReadStream } from "node:fs";
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Streams } from "../core/ports.ts";

/** The program's own streams. */
export const streams: Streams = {
  stdin: () => process.stdin as AsyncIterable<Uint8Array>,
  stdout: (bytes) =>
    new Promise((resolve, reject) => {
      process.stdout.write(bytes, (cause) => {
        if (cause === null || cause === undefined) resolve();
        else reject(new NixsealError("io", "cannot write to stdout", { cause }));
      });
    }),
  stdinIsTerminal: process.stdin.isTTY ?? false,
  stdoutIsTerminal: process.stdout.isTTY ?? false,
  readDescriptor: async (descriptor, limit) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const part of createReadStream("", { fd: descriptor }) as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > limit)
          throw new NixsealError("limit", `more than ${limit} bytes on file descriptor ${descriptor}`);
        parts.push(part);
      }
    } catch (cause) {
      if (cause instanceof NixsealError) throw cause;
      throw new NixsealError("io", `cannot read file descriptor ${descriptor}`, {
        hint: `open it for the program, as in ${descriptor}<FILE`,
        cause,
      });
    }
    return concat(...parts);
  },
};
