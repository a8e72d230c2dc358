import { WireMessage } from "./wire-message.ts";

/** First words of both sides of the daemon's protocol (`worker-protocol.hh` of Nix): "nixc" and "dxio". */
export const workerClientMagic = 0x6e697863;
export const workerServerMagic = 0x6478696f;

/**
 * Versions are major × 256 + minor; both sides speak the lower of their two. 1.34 is Nix 2.8. Since 1.38 new
 * things are features that both sides name, and newer numbers are not made any more.
 */
export const workerOldest = 0x122;
export const workerNewest = 0x126;
/** Below this not even a refusal can be said. */
export const workerReadable = 0x10c;

export const workerOperations = {
  isValidPath: 1,
  ensurePath: 10,
  addTempRoot: 11,
  setOptions: 19,
  collectGarbage: 20,
  queryPathInfo: 26,
  queryValidPaths: 31,
  addSignatures: 37,
  narFromPath: 38,
  addToStoreNar: 39,
  queryMissing: 40,
  addMultipleToStore: 44,
} as const;

/** `GCOptions::GCAction`: delete exactly these paths. */
export const deleteSpecific = 3;

/** What the server says before its answer: log lines, activities, and then `last` or `error`. */
export const workerMessages = {
  next: 0x6f6c6d67,
  read: 0x64617461,
  write: 0x64617416,
  last: 0x616c7473,
  error: 0x63787470,
  startActivity: 0x53545254,
  stopActivity: 0x53544f50,
  result: 0x52534c54,
} as const;

/** An error in the structure of the version: since 1.26 an object of type `Error`, before it text and a status. */
export function workerError(version: number, text: string): WireMessage {
  const message = new WireMessage().integer(workerMessages.error);
  if (version < 0x11a) return message.string(text).integer(1);
  // Type, level (0 is an error), name, text, no position, no traces.
  return message.string("Error").integer(0).string("Error").string(text).integer(0).integer(0);
}
