import type { Random } from "../core/ports.ts";

/** Loaded when it is needed: that takes longer than all else that many a verb does. */
const crypto = (): typeof import("node:crypto") => process.getBuiltinModule("node:crypto");

const poolSize = 4096;
const mostFromPool = 256;
const pool = new Uint8Array(poolSize);
let used = poolSize;

/** A call to the generator costs the same for 32 bytes as for 4096, so small wants are drawn in one go. */
function fromPool(length: number): Uint8Array {
  if (used + length > poolSize) {
    crypto().randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length); // handed out once, and kept nowhere
  used += length;
  return bytes;
}

export const random: Random = {
  bytes: (length) =>
    length <= mostFromPool ? fromPool(length) : new Uint8Array(crypto().randomBytes(length)),
  x25519KeyPair: () => crypto().generateKeyPairSync("x25519"),
};
