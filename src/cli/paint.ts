import type { Paint } from "../ops/op.ts";

const plain = (text: string): string => text;

function colour(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}

/** Colours on a terminal, unless NO_COLOR (no-color.org) is set or the terminal is dumb. */
export function paint(terminal: boolean, noColour: string | undefined, term: string | undefined): Paint {
  if (!terminal || noColour !== undefined || term === "dumb")
    return { good: plain, bad: plain, weak: plain, strong: plain };
  return { good: colour(32), bad: colour(31), weak: colour(2), strong: colour(1) };
}

/**
 * Text from outside (file names, messages of other programs) may hold escape sequences that move the cursor or
 * rename the window. Control characters other than tab and newline are shown, not sent.
 */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

const escape = "\u001b";
const ours = new RegExp(`(${escape}\\[(?:0|1|2|31|32)m)`);

/** As `visible`, for text that `paint` coloured: its few sequences stay, and others get no further than a colour. */
export function visiblePainted(text: string): string {
  return text
    .split(ours)
    .map((part, index) => (index % 2 === 0 ? visible(part) : part))
    .join("");
}

/** JSON leaves DEL and the C1 controls as they are, and a terminal obeys them: U+009B begins a sequence as ESC [ does. */
export function visibleJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(/[^\P{Cc}\n]/gu, (character) => {
    return `\\u00${character.charCodeAt(0).toString(16)}`;
  });
}
