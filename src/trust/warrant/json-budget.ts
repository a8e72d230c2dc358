/** A bound on what `JSON.parse` may build, from the bytes alone. */
import { NixsealError } from "../../core/errors.ts";

const quote = 0x22;
const backslash = 0x5c;

/**
 * Throws `limit` when the text opens more lists and objects than `containers`, or one within more than `depth` others. Three
 * bytes of text (`[],`) become dozens in memory, so that a bound on the text's size alone is none on memory.
 */
export function checkJsonBudget(
  json: Uint8Array,
  { depth, containers }: { readonly depth: number; readonly containers: number },
  what: string,
): void {
  let open = 0;
  let seen = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!;
    if (byte === quote) i = endOfText(json, i + 1);
    else if (byte === 0x5b || byte === 0x7b) {
      if (++open > depth) throw new NixsealError("limit", `${what} is nested more than ${depth} deep`);
      if (++seen > containers)
        throw new NixsealError("limit", `${what} has more than ${containers} lists and objects`);
    } else if (byte === 0x5d || byte === 0x7d) open--;
  }
}

/** Where the quote is that ends the text which begins here; the length where none is. Most of a warrant is text. */
function endOfText(json: Uint8Array, from: number): number {
  for (let end = json.indexOf(quote, from); end !== -1; end = json.indexOf(quote, end + 1)) {
    // A quote behind an odd number of backslashes is part of the text: each pair of them is one backslash.
    let start = end;
    while (start > from && json[start - 1] === backslash) start--;
    if ((end - start) % 2 === 0) return end;
  }
  return json.length;
}
