/**
 * Text from the target, fit for a terminal and a page: control characters would move the cursor or rename the window,
 * and direction marks would show another text than there is. Both are shown as escapes.
 */
export function printable(text: string, longest = 300): string {
  const shown = text.replace(
    // oxlint-disable-next-line no-control-regex -- control characters are exactly what this is about
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => {
      const code = character.charCodeAt(0);
      return code < 0x100
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u${code.toString(16).padStart(4, "0")}`;
    },
  );
  const whole = shown.toWellFormed();
  return whole.length > longest ? `${whole.slice(0, longest).toWellFormed()}…` : whole;
}
