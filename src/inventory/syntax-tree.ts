import type { AST } from "toml-eslint-parser";
import { NixsealError } from "../core/errors.ts";

export type { AST };

/**
 * Parses with positions. This parser is ten times slower than the one that loads the fleet, so it is imported and run
 * only to report a place or to edit. Throws `SyntaxError` for what is no TOML, and `limit` for a text or comment of some
 * 100,000 characters, which it passes as arguments of one call.
 */
export async function parseTree(
  text: string,
  tomlVersion: "1.0.0" | "1.1.0" = "1.1.0",
): Promise<AST.TOMLProgram> {
  const { parseTOML } = await import("toml-eslint-parser");
  try {
    return parseTOML(text, { tomlVersion });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NixsealError("limit", "a text or comment is too long", {
      hint: "what is that long is not for the inventory: keep it in a file of its own",
      cause: error,
    });
  }
}

/** What one part of a dotted key says. */
export function keyText(part: AST.TOMLBare | AST.TOMLQuoted): string {
  return part.type === "TOMLBare" ? part.name : part.value;
}
