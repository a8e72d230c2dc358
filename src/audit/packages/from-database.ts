/**
 * Packages of Nix's own database, `/nix/var/nix/db/db.sqlite`: of all that is valid, or of what some paths need. Read by a
 * reader of our own: Node 20 has none, the `sqlite3` program is not on a NixOS host, and a database that somebody
 * sends in is no input for a program whose views and triggers it could bring along.
 */
import { NixsealError } from "../../core/errors.ts";
import { anyStore, nameOf, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { Pages } from "../sqlite/pages.ts";
import { tableOf } from "../sqlite/schema.ts";
import { inventoryLimits } from "./package.ts";

/** A path with what it was built from, where that is known. */
export interface StoredPath {
  readonly path: StorePath;
  readonly deriver: StorePath | null;
}

/** Edges of the largest stores stay below. */
const mostReferences = 20_000_000;

/**
 * `log` is the file `db.sqlite-wal` that lies beside it, if there is one. Without `roots` all valid paths. `malformed`,
 * `limit`, and `not-found` for a root that is not in the database.
 */
export function pathsOfDatabase(
  database: Uint8Array,
  log: Uint8Array | null,
  roots: readonly string[],
): StoredPath[] {
  const pages = new Pages(database, log);
  const table = tableOf(pages, "ValidPaths");
  const [pathColumn, deriverColumn] = [table.column("path"), table.column("deriver")];
  const known = new Map<number, StoredPath>();
  const ids = new Map<string, number>();
  for (const { id, values } of table.rows()) {
    if (known.size >= inventoryLimits.paths * 5)
      throw new NixsealError("limit", `the database has more than ${inventoryLimits.paths * 5} paths`);
    const text = values[pathColumn];
    if (typeof text !== "string")
      throw new NixsealError("malformed", "the database has a path that is no text");
    const path = parseStorePath(text, anyStore);
    known.set(id, { path, deriver: deriverOf(values[deriverColumn]) });
    ids.set(path, id);
  }
  if (roots.length === 0) return [...known.values()];
  const wanted = new Set(
    roots.map((root) => {
      const id = ids.get(root);
      if (id === undefined)
        throw new NixsealError("not-found", `the database does not know ${root}`, {
          hint: "give a valid path of that store",
        });
      return id;
    }),
  );
  const references = referencesOf(pages);
  for (const id of wanted) for (const other of references.get(id) ?? []) wanted.add(other);
  return [...wanted].flatMap((id) => known.get(id) ?? []);
}

function referencesOf(pages: Pages): Map<number, number[]> {
  const table = tableOf(pages, "Refs");
  const [from, to] = [table.column("referrer"), table.column("reference")];
  const references = new Map<number, number[]>();
  let count = 0;
  for (const { values } of table.rows()) {
    if (++count > mostReferences)
      throw new NixsealError("limit", `the database has more than ${mostReferences} references`);
    const [referrer, reference] = [values[from], values[to]];
    if (typeof referrer !== "number" || typeof reference !== "number")
      throw new NixsealError("malformed", "the database has a reference that is no number");
    const list = references.get(referrer);
    if (list === undefined) references.set(referrer, [reference]);
    else list.push(reference);
  }
  return references;
}

/** A claim, and often of a derivation that is gone; what is not one is none. */
function deriverOf(value: unknown): StorePath | null {
  if (typeof value !== "string" || !value.endsWith(".drv")) return null;
  const path = parseStorePath(value, anyStore);
  return nameOf(path).endsWith(".drv") ? path : null;
}
