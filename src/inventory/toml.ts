import { parse, TomlError } from "smol-toml";
import { NixsealError } from "../core/errors.ts";

/** How deep tables may nest inline; the deepest that means anything is `secrets.X.credential.unit`. */
const maxDepth = 16;

/** Parses TOML text. `config` with line and column for what is no TOML; the file is named by the caller. */
export function parseToml(text: string): Readonly<Record<string, unknown>> {
  if (text.startsWith("\ufeff"))
    throw new NixsealError("config", "found a byte order mark, expected TOML", {
      hint: "save the file as UTF-8 without a byte order mark: Nix does not read it",
      where: { line: 1, column: 1 },
    });
  refuseNul(text);
  try {
    // `__proto__` and `constructor` as keys are refused: no host needs them, and objects are built from keys.
    return parse(text, { unsafeKeyBehaviour: "throw", maxDepth });
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [first] = cause.message.split("\n");
    throw new NixsealError("config", `not TOML: ${first!.replace(/^Invalid TOML document: /, "")}`, {
      where: { line: cause.line, column: cause.column },
      cause,
    });
  }
}

/** Nix ends a text at U+0000 without a word: it would read "/run/a" where we read "/run/a\u0000b". */
function refuseNul(text: string): void {
  const offset = text.search(/\\u0000|\\U00000000/);
  if (offset === -1) return;
  const before = text.slice(0, offset).split("\n");
  throw new NixsealError("config", "found the escape of U+0000, which no text may hold", {
    hint: "take it out",
    where: { line: before.length, column: before.at(-1)!.length + 1 },
  });
}
