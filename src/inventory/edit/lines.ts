/** Where the line that holds the offset begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Behind the line end of the line that holds the offset; the end of the text when there is none. */
export function lineAfter(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end === -1 ? text.length : end + 1;
}

export function lineAt(text: string, start: number): string {
  return text.slice(start, lineAfter(text, start)).trim();
}

/** The comment lines directly above a line belong to what the line begins. Returns where the first of them starts. */
export function startWithComments(text: string, start: number): number {
  let first = start;
  while (first > 0) {
    const above = lineStart(text, first - 1);
    if (!lineAt(text, above).startsWith("#")) break;
    first = above;
  }
  return first;
}

/**
 * The comment lines directly below the last line of an entry belong to it when a blank line or the end follows them;
 * otherwise they belong to what follows. Returns where the entry ends.
 */
export function endWithComments(text: string, end: number): number {
  let last = end;
  while (last < text.length && lineAt(text, last).startsWith("#")) last = lineAfter(text, last);
  return last === text.length || lineAt(text, last) === "" ? last : end;
}
