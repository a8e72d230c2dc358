/** Requests of the worker protocol, as the client sends them. */
import type { PathInfo } from "../path-info.ts";
import { byPath, type StorePath } from "../store-path.ts";
import { writePathInfo } from "./path-info-wire.ts";
import type { AddWishes } from "./store.ts";
import { WireMessage } from "./wire-message.ts";
import { workerOperations } from "./worker-protocol.ts";

/** A path and its archive, for sending. */
export interface Upload {
  readonly info: PathInfo;
  readonly nar: AsyncIterable<Uint8Array>;
}

export function askValid(paths: readonly StorePath[]): WireMessage {
  return new WireMessage()
    .integer(workerOperations.queryValidPaths)
    .strings([...paths].sort(byPath))
    .boolean(false);
}

export function askInfo(path: StorePath): WireMessage {
  return new WireMessage().integer(workerOperations.queryPathInfo).string(path);
}

export function askTempRoot(path: StorePath): WireMessage {
  return new WireMessage().integer(workerOperations.addTempRoot).string(path);
}

/** The archive follows, in frames. */
export function addOne(
  info: PathInfo,
  { repair = false, checkSignatures = true }: Partial<AddWishes>,
): WireMessage {
  return writePathInfo(new WireMessage().integer(workerOperations.addToStoreNar), info)
    .boolean(repair)
    .boolean(!checkSignatures);
}

/** `bodyOf` the paths follows, in frames. */
export function addMany(repair: boolean): WireMessage {
  return new WireMessage().integer(workerOperations.addMultipleToStore).boolean(repair).boolean(false);
}

export async function* bodyOf(uploads: readonly Upload[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield new WireMessage().integer(uploads.length).bytes;
  for (const { info, nar } of uploads) {
    yield writePathInfo(new WireMessage(), info).bytes;
    yield* nar;
  }
}
