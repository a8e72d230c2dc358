import { NixsealError } from "../../core/errors.ts";

/** Longer than any command of a stock client, which has two store paths at most. */
const maxLength = 4096;

/** Text that no shell changes (the set that Python's `shlex.quote` leaves alone). */
const plain = /^[A-Za-z0-9@%+=:,./_-]+$/;

/**
 * The words of a command line as stock clients write it: one space between words; a word is plain, or in single
 * quotes when it needs to be, or `NAME=${NAME-}`. No shell reads the line, here or later, so everything that
 * only a shell would understand is refused instead of guessed at. Throws `refused`.
 */
export function commandWords(line: string): string[] {
  if (line.length > maxLength || !/^[ -~]+$/.test(line))
    throw new NixsealError("refused", "the command is too long or has characters that no stock client sends");
  const words: string[] = [];
  for (let at = 0; at <= line.length;) {
    const quoted = line[at] === "'";
    const end = quoted ? line.indexOf("'", at + 1) + 1 || line.length + 1 : endOfWord(line, at);
    const text = line.slice(at, end);
    if (!isWord(text, quoted) || (end < line.length && line[end] !== " "))
      throw new NixsealError("refused", "the command is not written as a stock client writes it", {
        where: { offset: at },
        hint: "one space between words, no shell syntax",
      });
    words.push(quoted ? text.slice(1, -1) : text);
    at = end + 1;
  }
  return words;
}

function endOfWord(line: string, at: number): number {
  const space = line.indexOf(" ", at);
  return space === -1 ? line.length : space;
}

function isWord(text: string, quoted: boolean): boolean {
  if (quoted) return text.length >= 2 && text.endsWith("'") && !plain.test(text.slice(1, -1));
  return plain.test(text) || /^([A-Z][A-Z_]*)=\$\{\1-\}$/.test(text);
}
