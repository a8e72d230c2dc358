/** Comparing with what lies in the bytes of an index, without making strings of it. Pure. */

/** As `Buffer.compare`, which checks its five arguments for longer than it compares. */
export function compareBytes(wanted: Uint8Array, bytes: Uint8Array, begin: number, end: number): number {
  const length = Math.min(wanted.length, end - begin);
  for (let index = 0; index < length; index++) {
    const difference = wanted[index]! - bytes[begin + index]!;
    if (difference !== 0) return difference;
  }
  return wanted.length - (end - begin);
}

/**
 * How plain numbers with dots compare with a text of the same kind; missing numbers are zero. Undefined when the text is
 * anything else.
 */
export function compareNumbers(
  numbers: readonly number[],
  bytes: Uint8Array,
  begin: number,
  end: number,
): -1 | 0 | 1 | undefined {
  if (begin === end) return undefined;
  let order: -1 | 0 | 1 = 0;
  let component = 0;
  let at = begin;
  while (at < end) {
    let value = 0;
    const start = at;
    for (; at < end && bytes[at] !== 0x2e; at++) {
      const digit = bytes[at]! - 0x30;
      if (digit < 0 || digit > 9 || at - start >= 15) return undefined;
      value = value * 10 + digit;
    }
    if (at === start || at === end - 1) return undefined; // two dots, or one at the end
    const own = numbers[component++] ?? 0;
    if (order === 0 && own !== value) order = own < value ? -1 : 1;
    at++;
  }
  for (; order === 0 && component < numbers.length; component++) if (numbers[component]! > 0) order = 1;
  return order;
}
