import assert from "node:assert/strict";
import { test } from "node:test";
import { isReducedScalar, isWeakEd25519Point } from "./ed25519-point.ts";

const p = 2n ** 255n - 19n;
const mod = (value: bigint) => ((value % p) + p) % p;

function power(base: bigint, exponent: bigint): bigint {
  let [result, factor] = [1n, mod(base)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * factor);
    factor = mod(factor * factor);
  }
  return result;
}

const inverse = (value: bigint) => power(value, p - 2n);
const d = mod(-121665n * inverse(121666n));

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** x² = (y² - 1) / (d y² + 1), RFC 8032 section 5.1; the root when there is one. */
function xOf(y: bigint): bigint | null {
  const square = mod((y * y - 1n) * inverse(d * y * y + 1n));
  const candidate = power(square, (p + 3n) / 8n);
  for (const root of [candidate, mod(candidate * power(2n, (p - 1n) / 4n))]) {
    if (mod(root * root) === square) return root;
  }
  return null;
}

/** Edwards doubling, affine. */
function double([x, y]: readonly [bigint, bigint]): readonly [bigint, bigint] {
  const [xx, yy] = [mod(x * x), mod(y * y)];
  const product = mod(d * xx * yy);
  return [mod(2n * x * y * inverse(1n + product)), mod((yy + xx) * inverse(1n - product))];
}

test("the points refused are those that doubling three times takes to the neutral point", () => {
  // Order 8 means that the double has order 4, which has y = 0: y² = -x², so d y⁴ + 2 y² - 1 = 0.
  const root = xOfSquare(mod(1n + d))!;
  const squares = [mod((-1n + root) * inverse(d)), mod((-1n - root) * inverse(d))];
  const eighth = squares.flatMap((square) => {
    const y = xOfSquare(square);
    return y === null ? [] : [y, mod(-y)];
  });
  const all = [1n, mod(-1n), 0n, ...eighth];
  assert.equal(all.length, 5);
  for (const y of all) {
    const x = xOf(y)!;
    assert.deepEqual(double(double(double([x, y]))), [0n, 1n]);
    const encoded = littleEndian(y);
    assert.ok(isWeakEd25519Point(encoded), y.toString(16));
    encoded[31]! |= 0x80;
    assert.ok(isWeakEd25519Point(encoded), `-${y.toString(16)}`);
  }
});

function xOfSquare(square: bigint): bigint | null {
  const candidate = power(square, (p + 3n) / 8n);
  for (const root of [candidate, mod(candidate * power(2n, (p - 1n) / 4n))]) {
    if (mod(root * root) === square) return root;
  }
  return null;
}

test("an encoding that is not reduced is weak; its neighbours are not", () => {
  assert.ok(isWeakEd25519Point(littleEndian(p)));
  assert.ok(isWeakEd25519Point(littleEndian(p + 5n)));
  assert.ok(isWeakEd25519Point(littleEndian(2n ** 255n - 1n)));
  assert.ok(!isWeakEd25519Point(littleEndian(p - 2n)));
  assert.ok(!isWeakEd25519Point(littleEndian(2n)));
  assert.ok(!isWeakEd25519Point(littleEndian(2n ** 255n + 2n))); // the sign of x
});

test("scalars end where the order of the base point begins", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  assert.ok(isReducedScalar(littleEndian(0n)));
  assert.ok(isReducedScalar(littleEndian(order - 1n)));
  assert.ok(!isReducedScalar(littleEndian(order)));
  assert.ok(!isReducedScalar(littleEndian(2n ** 253n)));
});
