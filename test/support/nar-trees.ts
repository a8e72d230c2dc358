import * as fs from "node:fs";
import * as fc from "fast-check";

/** A file system object in memory, for tests: names and targets are bytes in latin-1. */
export type Tree =
  | { readonly type: "regular"; readonly executable: boolean; readonly content: Uint8Array }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "directory"; readonly entries: readonly (readonly [string, Tree])[] };

// Bytes that are not UTF-8 (é, ÿ alone), names that sort otherwise by locale or that look like Nix's case hack.
const nameUnit = fc.constantFrom(...Array.from("aAbBzZ09.-_ ~#é\xff\n\\\"'*$"));
const names = fc.oneof(
  fc.string({ unit: nameUnit, minLength: 1, maxLength: 12 }),
  fc.constantFrom("case.nar", "CASE.nar", "x~nix~case~hack~1", "__proto__", "10", "9", "a".repeat(255)),
);
const name = names.filter((name) => name !== "." && name !== "..");

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.record({
      type: fc.constant("regular" as const),
      executable: fc.boolean(),
      content: fc.uint8Array({ maxLength: 40 }),
    }),
    fc.record({
      type: fc.constant("symlink" as const),
      target: fc.oneof(name, fc.constantFrom("/etc/passwd", "../..", "a".repeat(4095))),
    }),
    fc.record({
      type: fc.constant("directory" as const),
      entries: fc.uniqueArray(fc.tuple(name, tie("tree")), {
        maxLength: 5,
        selector: ([name]) => name,
      }),
    }),
  ),
}));

export const trees: fc.Arbitrary<Tree> = tree;

export function writeTree(tree: Tree, path: Buffer): void {
  if (tree.type === "regular")
    fs.writeFileSync(path, tree.content, { mode: tree.executable ? 0o755 : 0o644 });
  else if (tree.type === "symlink") fs.symlinkSync(Buffer.from(tree.target, "latin1"), path);
  else {
    fs.mkdirSync(path);
    for (const [name, child] of tree.entries)
      writeTree(child, Buffer.concat([path, Buffer.from(`/${name}`, "latin1")]));
  }
}

/** NAR strings for hand-made archives: length, bytes, padding. */
export function narStrings(...strings: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    strings.map((string) => {
      const bytes = Buffer.from(string as string, "latin1");
      const framed = Buffer.alloc(8 + Math.ceil(bytes.length / 8) * 8);
      framed.writeBigUInt64LE(BigInt(bytes.length));
      bytes.copy(framed, 8);
      return framed;
    }),
  );
}

/** An archive made by hand, to which stock Nix and our writer are not asked. */
export function narOf(tree: Tree): Buffer {
  const node = (tree: Tree): string[] => {
    if (tree.type === "symlink") return ["(", "type", "symlink", "target", tree.target, ")"];
    if (tree.type === "regular") {
      const content = Buffer.from(tree.content).toString("latin1");
      return [
        "(",
        "type",
        "regular",
        ...(tree.executable ? ["executable", ""] : []),
        "contents",
        content,
        ")",
      ];
    }
    const sorted = [...tree.entries].sort(([a], [b]) => (a < b ? -1 : 1));
    const entries = sorted.flatMap(([name, child]) => [
      "entry",
      "(",
      "name",
      name,
      "node",
      ...node(child),
      ")",
    ]);
    return ["(", "type", "directory", ...entries, ")"];
  };
  return narStrings("nix-archive-1", ...node(tree));
}
