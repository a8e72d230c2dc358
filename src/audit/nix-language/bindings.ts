import type {
  AttrBinding,
  AttrName,
  AttrPath,
  AttrSet,
  Binding,
  Expression,
  Inherit,
  LegacyLet,
  Position,
  StaticName,
} from "./ast.ts";
import { AttributeTable, type Trail } from "./attribute-table.ts";
import type { Cursor } from "./cursor.ts";
import { fault } from "./faults.ts";
import { parseQuoted } from "./strings.ts";
import { literalText } from "./text.ts";

/** `{ … }`, `rec { … }`, `let { … }`: the current token is the opening brace. */
export function parseSet(
  cursor: Cursor,
  at: Position,
  as: "set" | "rec" | "legacy-let",
): AttrSet | LegacyLet {
  cursor.expect("{", "at the beginning of an attribute set");
  const { bindings, table } = parseBindings(cursor, "}");
  cursor.expect("}", "or an attribute name");
  if (as === "legacy-let") return { kind: "legacy-let", at, bindings };
  const set: AttrSet = { kind: "set", at, recursive: as === "rec", bindings };
  cursor.completed = { set, table };
  return set;
}

/** The bindings between `let` and `in`. A name that only evaluation could find is an error there. */
export function parseLetBindings(cursor: Cursor): readonly Binding[] {
  const { bindings } = parseBindings(cursor, "in");
  for (const binding of bindings) {
    if (binding.kind === "binding" && binding.path[0]!.kind === "dynamic-name")
      throw fault("dynamic attributes are not allowed in let", binding.at, "put them into a set");
  }
  return bindings;
}

function parseBindings(
  cursor: Cursor,
  closing: "}" | "in",
): { bindings: readonly Binding[]; table: AttributeTable } {
  const bindings: Binding[] = [];
  const table = new AttributeTable();
  while (cursor.token.kind !== closing) {
    if (cursor.token.kind === "inherit") {
      const binding = parseInherit(cursor);
      bindings.push(binding);
      for (const { name, at } of binding.names)
        table.define({ at, nested: undefined }, { name, before: undefined });
    } else if (beginsName(cursor)) {
      const binding = parseBinding(cursor);
      bindings.push(binding);
      const { completed } = cursor;
      record(table, binding, completed?.set === binding.value ? completed.table : undefined);
    } else throw cursor.unexpected(`an attribute name, 'inherit' or '${closing}'`);
  }
  return { bindings, table };
}

function parseBinding(cursor: Cursor): AttrBinding {
  const { at } = cursor.token;
  const path = parseAttrPath(cursor);
  cursor.expect("=", "or '.' after the attribute name");
  const value = cursor.expression();
  cursor.expect(";", "at the end of the attribute");
  return { kind: "binding", at, path, value };
}

/** `nested` is the table of the binding's value when that is a set. */
function record(top: AttributeTable, { at, path }: AttrBinding, nested: AttributeTable | undefined): void {
  let table = top;
  let trail: Trail | undefined;
  for (const [index, attr] of path.entries()) {
    const last = index === path.length - 1;
    if (attr.kind === "dynamic-name") {
      // What is below a dynamic name belongs to it alone.
      table = new AttributeTable();
      trail = { name: "${…}", before: trail };
      continue;
    }
    trail = { name: attr.name, before: trail };
    if (last) table.define({ at, nested }, trail);
    else table = table.descend(at, trail);
  }
}

function parseInherit(cursor: Cursor): Inherit {
  const { at } = cursor.token;
  cursor.advance();
  let from: Expression | null = null;
  if (cursor.accept("(")) {
    from = cursor.expression();
    cursor.expect(")", "after the expression to inherit from");
  }
  const names: StaticName[] = [];
  while (beginsName(cursor)) {
    const name = parseAttrName(cursor);
    if (name.kind === "dynamic-name")
      throw fault("dynamic attributes are not allowed in inherit", name.at, "write NAME = …; instead");
    names.push(name);
  }
  cursor.expect(";", "or a name to inherit");
  return { kind: "inherit", at, from, names };
}

/** `a.b."c".${d}` */
export function parseAttrPath(cursor: Cursor): AttrPath {
  const path = [parseAttrName(cursor)];
  while (cursor.accept(".")) path.push(parseAttrName(cursor));
  return path;
}

function beginsName(cursor: Cursor): boolean {
  const { kind } = cursor.token;
  return kind === "identifier" || kind === '"' || kind === "${" || kind === "or";
}

function parseAttrName(cursor: Cursor): AttrName {
  const { at, kind } = cursor.token;
  if (kind === '"') return named(parseQuoted(cursor), at);
  if (kind === "${") {
    const expression = cursor.interpolation(at);
    cursor.advance();
    return named(expression, at);
  }
  if (kind !== "identifier" && kind !== "or") throw cursor.unexpected("an attribute name");
  const name = cursor.textOf(cursor.token);
  cursor.advance();
  return { kind: "name", at, name };
}

function named(expression: Expression, at: Position): AttrName {
  const name = literalText(expression);
  return name === undefined ? { kind: "dynamic-name", at, expression } : { kind: "name", at, name };
}
