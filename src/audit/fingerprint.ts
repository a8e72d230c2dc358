import { createHash } from "node:crypto";

/**
 * Names a finding by check, file and flagged text, and by which of several equal ones in the file it is: a waiver for
 * one does not cover the next. Lines may move without changing it.
 */
export class Fingerprints {
  readonly #seen = new Map<string, number>();

  of(id: string, file: string, flagged: string): string {
    const key = `${id}\0${file}\0${flagged}`;
    const count = this.#seen.get(key) ?? 0;
    this.#seen.set(key, count + 1);
    return createHash("sha256").update(`${key}\0${count}`).digest("hex").slice(0, 16);
  }
}

/**
 * The flagged text without a secret's value. The value counts with 12 bits of its hash: a changed value is noticed
 * nearly always, and a published report does not let anyone test guesses of a weak password.
 */
export function withoutSecret(text: string, secret: string): string {
  const bits = createHash("sha256").update(secret).digest().readUInt16BE(0) >> 4;
  return `${secret === "" ? text : text.replaceAll(secret, "")}\0${bits.toString(16)}`;
}
