import type { Hit } from "./check.ts";

/** Every match with the number of its line. The work is linear: each newline is counted once. */
export function* matchesOf(
  text: string,
  pattern: RegExp,
): Generator<{ line: number; match: RegExpMatchArray }> {
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(pattern)) {
    for (
      let next = text.indexOf("\n", counted);
      next !== -1 && next < match.index;
      next = text.indexOf("\n", counted)
    ) {
      line++;
      counted = next + 1;
    }
    yield { line, match };
  }
}

/** A hit for each line that matches. */
export function* linesWith(text: string, pattern: RegExp): Generator<Hit> {
  for (const { line } of matchesOf(text, pattern)) yield { line };
}

/** Shannon's entropy of the characters, in bits for one: random base64 has about 5, words about 3, `xxxx` 0. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
