import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { LogFile, NewFile } from "../core/file-ports.ts";
import { fresh, own } from "./atomic-file.ts";
import { systemError } from "./errors.ts";

/** Without the thread pool: a short write to the page cache takes some microseconds, and ten times that with a trip there. */
export function createLog(path: string, options: NewFile): LogFile {
  const descriptor = openSync(path, fresh, 0o600);
  try {
    own(descriptor, options);
  } catch (cause) {
    closeSync(descriptor);
    rmSync(path, { force: true });
    throw cause;
  }
  return {
    append: async (bytes) => {
      try {
        writeFileSync(descriptor, bytes);
      } catch (cause) {
        throw systemError(cause, path);
      }
    },
    close: async () => closeSync(descriptor),
  };
}
