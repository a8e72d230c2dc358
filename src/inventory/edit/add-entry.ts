import type { AST } from "../syntax-tree.ts";
import { allEntryNodes, type EntryTable } from "./entry-nodes.ts";
import { lineAfter } from "./lines.ts";
import { lineEndOf, type Splice } from "./splice.ts";

/** What an entry's table holds, in the order in which it is written. */
export type EntryFields = readonly (readonly [key: string, value: string | number | readonly string[]])[];

/** Adds `[TABLE.NAME]` behind the last entry of the table, or at the end of the file. */
export function addEntry(
  text: string,
  tree: AST.TOMLProgram,
  table: EntryTable,
  name: string,
  fields: EntryFields,
): Splice[] {
  const blocks = allEntryNodes(tree, table).filter(({ node }) => node.type === "TOMLTable");
  const last = blocks.at(-1)?.node;
  const start = last === undefined ? text.length : lineAfter(text, last.range[1]);
  const lineEnd = lineEndOf(text);
  const block = entryText(table, name, fields).replaceAll("\n", lineEnd);
  const before = text.slice(0, start);
  const gap = before === "" ? "" : before.endsWith("\n") ? lineEnd : lineEnd + lineEnd;
  return [{ start, end: start, text: gap + block }];
}

/** `[TABLE.NAME]` and its fields, as TOML with a newline at its end. */
export function entryText(table: EntryTable, name: string, fields: EntryFields): string {
  const width = Math.max(0, ...fields.map(([key]) => key.length));
  const lines = fields.map(([key, value]) => `${key.padEnd(width)} = ${valueText(value)}\n`);
  return `[${table}.${keySource(name)}]\n${lines.join("")}`;
}

/** A key as TOML writes it; names with dots need quotes. */
export function keySource(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : stringSource(name);
}

/** A basic string. JSON's escapes are TOML's. */
export function stringSource(value: string): string {
  return JSON.stringify(value);
}

function valueText(value: string | number | readonly string[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return stringSource(value);
  if (value.length < 2) return `[${value.map(stringSource).join("")}]`;
  const oneLine = `[${value.map(stringSource).join(", ")}]`;
  return oneLine.length <= 80 ? oneLine : `[\n${value.map((item) => `  ${stringSource(item)},\n`).join("")}]`;
}
