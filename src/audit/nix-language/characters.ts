/** Classes of bytes in Nix source, one bit each; names follow the definitions at the head of Nix's lexer. */
export const letter = 1;
export const digit = 2;
/** `[a-zA-Z0-9_'-]` */
export const identifier = 4;
/** PATH_CHAR: `[a-zA-Z0-9._+-]` */
export const path = 8;
/** What may follow the colon of a URI. */
export const uri = 16;

const classes = new Uint8Array(256);

function mark(characters: string, bit: number): void {
  for (const character of characters) classes[character.charCodeAt(0)]! |= bit;
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const digits = "0123456789";
mark(letters, letter);
mark(digits, digit);
mark(`${letters}${digits}_'-`, identifier);
mark(`${letters}${digits}._+-`, path);
mark(`${letters}${digits}%/?:@&=+$,-_.!~*'`, uri);

/** Whether the byte at `offset` is of one of the classes; false behind the end. */
export function isAt(source: string, offset: number, bits: number): boolean {
  return offset < source.length && (classes[source.charCodeAt(offset)]! & bits) !== 0;
}

/** Where the run of bytes of these classes that begins at `offset` ends. */
export function endOfRun(source: string, offset: number, bits: number): number {
  let end = offset;
  while (isAt(source, end, bits)) end++;
  return end;
}
