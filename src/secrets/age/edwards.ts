/** From the curve of Ed25519 to that of X25519 (RFC 7748 section 4.1). */
import { NixsealError } from "../../core/errors.ts";
import { hex } from "../../core/bytes.ts";

const p = 2n ** 255n - 19n;
/** -121665/121666, the constant of the curve -x² + y² = 1 + d x² y² (RFC 8032 section 5.1). */
const d = mod(-121665n * inverse(121666n));

/**
 * The u coordinate of an Ed25519 public key: (1 + y) / (1 - y). `malformed` when the key is no point of the curve;
 * what would be encrypted to such a key nobody could read. Public input: the time that it takes says nothing.
 */
export function montgomeryU(publicKey: Uint8Array): Uint8Array {
  const y = fromLittleEndian(publicKey) & (2n ** 255n - 1n); // the top bit is the sign of x
  const ySquared = mod(y * y);
  // x² = (y² - 1) / (d y² + 1) must have a root; a quotient has one exactly when the product has (Euler).
  const product = mod((ySquared - 1n) * (d * ySquared + 1n));
  const root = power(product, (p - 1n) / 2n);
  if (publicKey.length !== 32 || y >= p || root > 1n)
    throw new NixsealError("malformed", "ed25519 key is not a point of the curve");
  return toLittleEndian(mod((1n + y) * inverse(1n - y)));
}

function mod(value: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

function inverse(value: bigint): bigint {
  return power(mod(value), p - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes.toReversed())}`);
}

function toLittleEndian(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(64, "0"), "hex")).toReversed();
}
