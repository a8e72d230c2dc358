/** 2^255 - 19, little-endian. */
const p = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xed : i === 31 ? 0x7f : 0xff));

/**
 * The y coordinates of the eight points whose order divides 8, little-endian: 1, -1, 0 (two points, orders 1,
 * 2, 4, 4) and two values of order 8 with two points each. Their derivation: the roots of the curve's doubling
 * formulas; the test computes them again from the curve equation.
 */
const lowOrder = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/**
 * Whether a 32-byte encoding must not serve as a public key: a point of low order (for such a key one
 * signature verifies for many messages, RFC 8032 section 8.4 and the CCTV vectors) or a y that is not reduced
 * (RFC 8032 section 5.1.3 step 1; a second spelling of another key). Does not check that the point exists.
 */
export function isWeakEd25519Point(encoded: Uint8Array): boolean {
  const y = Uint8Array.from(encoded);
  y[31]! &= 0x7f; // the top bit is the sign of x
  return !isBelow(y, p) || lowOrder.has(Buffer.from(y).toString("hex"));
}

/** Compares little-endian numbers of the same length. */
function isBelow(a: Uint8Array, bound: Uint8Array): boolean {
  for (let i = a.length - 1; i >= 0; i--) {
    if (a[i] !== bound[i]) return a[i]! < bound[i]!;
  }
  return false;
}

/** The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian. */
const order = Buffer.from("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", "hex");

/** RFC 8032 section 5.1.7 step 1: the second half of a signature lies in [0, L). */
export function isReducedScalar(s: Uint8Array): boolean {
  return isBelow(s, order);
}
