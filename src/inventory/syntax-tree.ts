import type { AST } from "toml-eslint-parser";

export type { AST };

/**
 * Parses with positions. This parser is ten times slower than the one that loads the fleet, so it is imported and run
 * only to report a place or to edit. Throws `SyntaxError` for what is no TOML.
 */
export async function parseTree(
  text: string,
  tomlVersion: "1.0.0" | "1.1.0" = "1.1.0",
): Promise<AST.TOMLProgram> {
  const { parseTOML } = await import("toml-eslint-parser");
  return parseTOML(text, { tomlVersion });
}

/** What one part of a dotted key says. */
export function keyText(part: AST.TOMLBare | AST.TOMLQuoted): string {
  return part.type === "TOMLBare" ? part.name : part.value;
}
