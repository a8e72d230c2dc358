import type { Node, ParsedNode } from "yaml";
import { NixsealError } from "../../core/errors.ts";

export interface SopsLeaf {
  readonly path: readonly string[];
  readonly text: string;
  readonly kind: "string" | "number" | "boolean";
}

/** What of a SOPS file matters, in the order of the file: the MAC is over the values in that order. */
export interface SopsDocument {
  readonly leaves: readonly SopsLeaf[];
  readonly age: readonly { readonly recipient: string; readonly enc: string }[];
  readonly mac: string;
  readonly lastModified: string;
  readonly macOnlyEncrypted: boolean;
}

export const sopsLimits = { bytes: 16 << 20, leaves: 10_000, depth: 64 } as const;

/** Parses YAML or JSON (which is YAML). A plain object would sort keys that look like numbers; the nodes keep the order. */
export async function parseSops(text: string): Promise<SopsDocument> {
  const { parseDocument, isMap, isScalar, isSeq } = await import("yaml");
  const document = parseDocument(text, { schema: "core", uniqueKeys: true, intAsBigInt: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [start] = error.linePos ?? [];
    throw new NixsealError("malformed", "not YAML or JSON", {
      where: { line: start?.line, column: start?.col },
    });
  }
  const leaves: SopsLeaf[] = [];
  const visit = (node: Node | ParsedNode | null, path: readonly string[], depth: number): void => {
    if (depth > sopsLimits.depth || leaves.length > sopsLimits.leaves)
      throw new NixsealError("limit", "the SOPS file is too deep or has too many values");
    if (isMap(node)) {
      for (const { key, value } of node.items)
        if (path.length > 0 || keyText(key) !== "sops")
          visit(value as Node | null, [...path, keyText(key)], depth + 1);
    } else if (isSeq(node)) {
      for (const item of node.items) visit(item as Node | null, path, depth + 1); // SOPS names lists by their key alone
    } else if (isScalar(node)) {
      if (node.value !== null) leaves.push(leafOf(node.value, node.source, path));
    } else if (node !== null) {
      throw new NixsealError("refused", `the SOPS file has a YAML alias at ${path.join(".")}`);
    }
  };
  visit(document.contents, [], 0);
  return { leaves, ...metadata(document.toJS({ maxAliasCount: 0 })) };
}

function keyText(key: unknown): string {
  const value = typeof key === "object" && key !== null && "value" in key ? key.value : key;
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint")
    return String(value);
  throw new NixsealError("refused", "the SOPS file has a key that is no text");
}

function leafOf(value: unknown, source: string | undefined, path: readonly string[]): SopsLeaf {
  if (typeof value === "string") return { path, text: value, kind: "string" };
  if (typeof value === "boolean") return { path, text: String(value), kind: "boolean" };
  if (typeof value === "number" || typeof value === "bigint")
    return { path, text: source ?? String(value), kind: "number" };
  throw new NixsealError(
    "refused",
    `the SOPS file has a value of a kind that is not read here at ${path.join(".")}`,
  );
}

function metadata(value: unknown): Omit<SopsDocument, "leaves"> {
  const sops = field(value, "sops");
  const [mac, lastModified, age] = [field(sops, "mac"), field(sops, "lastmodified"), field(sops, "age")];
  if (typeof mac !== "string" || typeof lastModified !== "string")
    throw new NixsealError(
      "malformed",
      "not a SOPS file: there is no `sops` section with `mac` and `lastmodified`",
    );
  const recipients = (Array.isArray(age) ? age : []).map((entry: unknown) => {
    const [recipient, enc] = [field(entry, "recipient"), field(entry, "enc")];
    if (typeof recipient === "string" && typeof enc === "string") return { recipient, enc };
    throw new NixsealError("malformed", "an age entry of the SOPS file has no `recipient` and `enc`");
  });
  return { age: recipients, mac, lastModified, macOnlyEncrypted: field(sops, "mac_only_encrypted") === true };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
