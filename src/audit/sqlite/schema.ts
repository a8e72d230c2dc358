/** Which tables a database has, and where their columns stand. */
import { databaseFault, type Pages } from "./pages.ts";
import { rowsOf, type Row } from "./table.ts";

export interface Table {
  readonly rows: () => Generator<Row>;
  /** The place of a column among a row's values. */
  readonly column: (name: string) => number;
}

const mostObjects = 1000;

/** `malformed` when there is no ordinary table of this name. */
export function tableOf(pages: Pages, name: string): Table {
  let objects = 0;
  // The schema is a table itself, with its root on page 1: type, name, tbl_name, rootpage, sql (§2.6).
  for (const { values } of rowsOf(pages, 1)) {
    if (++objects > mostObjects) break;
    const [type, called, , root, sql] = values;
    if (type !== "table" || called !== name) continue;
    if (typeof root !== "number" || typeof sql !== "string" || /without\s+rowid\s*$/i.test(sql)) break;
    const names = columnNames(sql);
    return {
      rows: () => rowsOf(pages, root),
      column: (wanted) => {
        const place = names.indexOf(wanted.toLowerCase());
        if (place === -1) throw databaseFault(`its table ${name} has no column ${wanted}`, 0);
        return place;
      },
    };
  }
  throw databaseFault(`it has no table ${name}`, 0);
}

/** The first word of each part between the parentheses of `create table`; constraints of the table come after all columns. */
function columnNames(sql: string): string[] {
  const body = sql.slice(sql.indexOf("(") + 1, sql.lastIndexOf(")")).slice(0, 10_000);
  const names: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= body.length; at++) {
    const character = body[at];
    if (character === "(") depth++;
    if (character === ")") depth--;
    if ((character !== "," || depth > 0) && at < body.length) continue;
    // SQLite keeps comments of the text: Nix's schema has one behind many columns.
    const word = /^(?:\s|--[^\n]*(?:\n|$))*["`[]?(\w+)/.exec(body.slice(start, at))?.[1];
    if (word !== undefined) names.push(word.toLowerCase());
    start = at + 1;
  }
  return names;
}
