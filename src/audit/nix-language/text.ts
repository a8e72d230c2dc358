import type { Expression, Position, StringPart } from "./ast.ts";

// oxlint-disable-next-line no-control-regex -- the class is "not ASCII"
const beyondAscii = /[^\u0000-\u007f]/;

/** The text that these bytes, one a character, are in UTF-8. */
export function decoded(bytes: string): string {
  return beyondAscii.test(bytes) ? Buffer.from(bytes, "latin1").toString("utf8") : bytes;
}

/** Collects the parts of a string or path. Text that comes in pieces becomes one part. */
export class Parts {
  readonly #list: StringPart[] = [];
  #text = "";
  #at: Position | undefined;

  text(bytes: string, at: Position): void {
    if (bytes === "") return;
    this.#at ??= at;
    this.#text += bytes;
  }

  interpolation(expression: Expression, at: Position): void {
    this.#flush();
    this.#list.push({ kind: "interpolation", at, expression });
  }

  list(): readonly StringPart[] {
    this.#flush();
    return this.#list;
  }

  #flush(): void {
    if (this.#at !== undefined) this.#list.push({ kind: "text", at: this.#at, text: decoded(this.#text) });
    this.#text = "";
    this.#at = undefined;
  }
}

/** The value of a string that is known from the source alone, else undefined. */
export function literalText(expression: Expression): string | undefined {
  let inner = expression;
  while (inner.kind === "string") {
    const [part] = inner.parts;
    if (part === undefined) return "";
    if (inner.parts.length > 1) return undefined;
    if (part.kind === "text") return part.text;
    // Nix takes `''${"a"}''` for the string in it, but not `"${"a"}"`.
    if (inner.form !== "indented") return undefined;
    inner = part.expression;
  }
  return undefined;
}
