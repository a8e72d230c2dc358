import { NixsealError } from "../core/errors.ts";

/** A JSON value from outside with the way to it, so that an error can say which field is wrong. */
export class Field {
  readonly value: unknown;
  readonly name: string;

  constructor(value: unknown, name: string) {
    this.value = value;
    this.name = name;
  }

  /** Throws `malformed` when the text is not JSON. */
  static parse(text: string, name: string): Field {
    try {
      return new Field(JSON.parse(text) as unknown, name);
    } catch (cause) {
      throw new NixsealError("malformed", `${name} is not JSON`, { cause });
    }
  }

  get isNull(): boolean {
    return this.value === null || this.value === undefined;
  }

  get isArray(): boolean {
    return Array.isArray(this.value);
  }

  get isObject(): boolean {
    return typeof this.value === "object" && !this.isNull && !this.isArray;
  }

  /** The field of an object; its value is undefined where there is none. */
  get(key: string): Field {
    const object = this.#object();
    return new Field(Object.hasOwn(object, key) ? object[key] : undefined, `${this.name}.${key}`);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object(), key);
  }

  keys(): string[] {
    return Object.keys(this.#object());
  }

  entries(): [string, Field][] {
    return this.keys().map((key) => [key, this.get(key)]);
  }

  items(): Field[] {
    if (!Array.isArray(this.value)) throw this.wrong("a list");
    return this.value.map((item, index) => new Field(item, `${this.name}[${index}]`));
  }

  string(): string {
    if (typeof this.value !== "string") throw this.wrong("a string");
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== "boolean") throw this.wrong("true or false");
    return this.value;
  }

  /** A whole number from zero up that is exact. */
  count(): number {
    if (typeof this.value !== "number" || !Number.isSafeInteger(this.value) || this.value < 0)
      throw this.wrong("a whole number");
    return this.value;
  }

  /** Runs a parser of text and names the field in what it throws. */
  parsed<T>(parse: (text: string) => T): T {
    const text = this.string();
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof NixsealError)) throw error;
      throw new NixsealError(error.code, `${this.name}: ${error.message}`, {
        hint: error.hint,
        cause: error,
      });
    }
  }

  wrong(expected: string): NixsealError {
    return new NixsealError("malformed", `${this.name}: expected ${expected}`);
  }

  #object(): Record<string, unknown> {
    if (!this.isObject) throw this.wrong("an object");
    return this.value as Record<string, unknown>;
  }
}
