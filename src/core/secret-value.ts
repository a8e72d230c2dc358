import { inspect } from "node:util";

/**
 * Bytes that must not be seen: a plaintext, a passphrase, a private key. They do not print: `toString`,
 * `inspect` and JSON give `[secret]`, so that no log line, error or report can leak them by accident.
 */
export class SecretValue {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static fromText(text: string): SecretValue {
    return new SecretValue(new TextEncoder().encode(text));
  }

  /** The bytes themselves, not a copy. A search for `.reveal(` finds every place that looks inside. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** Overwrites the bytes. The runtime may have moved copies before; this shortens the time, no more. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
