import { printable } from "../printable.ts";

/** Text for HTML and XML, in elements and in quoted attributes. Control characters, which XML cannot hold, are shown. */
export function escaped(text: string, longest = 4096): string {
  return printable(text, longest)
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\ufffe\uffff]/g, "\ufffd");
}
