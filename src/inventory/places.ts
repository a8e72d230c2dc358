import { NixsealError } from "../core/errors.ts";
import type { Problem, TomlPath } from "./problem.ts";
import type { Source } from "./sources.ts";
import { keyText, parseTree, type AST } from "./syntax-tree.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Adds line and column to problems. Parses the files concerned a second time, so it is done only to report. */
export async function withPlaces(
  problems: readonly Problem[],
  sources: readonly Source[],
): Promise<Problem[]> {
  const trees = new Map<string, AST.TOMLProgram | null>();
  for (const { file, text } of sources)
    if (problems.some((problem) => problem.file === file)) trees.set(file, await treeOf(text));
  return problems.map((problem) => {
    const tree = trees.get(problem.file) ?? null;
    return tree === null || problem.line !== undefined ? problem : { ...problem, ...placeIn(tree, problem) };
  });
}

/** null for what only the first parser takes: then the problem has no line. */
async function treeOf(text: string): Promise<AST.TOMLProgram | null> {
  try {
    return await parseTree(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof NixsealError) return null;
    throw error;
  }
}

/** Where the value at the path stands; for an unknown key the key itself. What is missing is sought in its table. */
function placeIn(tree: AST.TOMLProgram, problem: Problem): Place | undefined {
  const best = nearestNode(tree, problem.path, problem.id === "unknown-key" ? "key" : "value");
  return best === undefined ? undefined : { line: best.loc.start.line, column: best.loc.start.column + 1 };
}

interface Found {
  readonly node: AST.TOMLNode;
  readonly depth: number;
}

function nearestNode(tree: AST.TOMLProgram, path: TomlPath, want: "key" | "value"): AST.TOMLNode | undefined {
  let best: Found = { node: tree.body[0], depth: 0 };
  const offer = (node: AST.TOMLNode, depth: number): void => {
    if (depth > best.depth) best = { node, depth };
  };
  const visitValue = (node: AST.TOMLContentNode, depth: number): void => {
    const next = path[depth];
    if (next === undefined) return;
    if (node.type === "TOMLInlineTable") node.body.forEach((pair) => visitPair(pair, depth));
    else if (node.type === "TOMLArray" && typeof next === "number" && next < node.elements.length) {
      const element = node.elements[next]!;
      offer(element, depth + 1);
      visitValue(element, depth + 1);
    }
  };
  const visitPair = (pair: AST.TOMLKeyValue, depth: number): void => {
    const reached = follow(pair.key, path, depth);
    if (reached === undefined) return;
    const whole = reached === depth + pair.key.keys.length;
    offer(want === "value" && whole ? pair.value : pair.key.keys[reached - depth - 1]!, reached);
    if (whole) visitValue(pair.value, reached);
  };
  for (const item of tree.body[0].body) {
    if (item.type === "TOMLKeyValue") visitPair(item, 0);
    else {
      const reached = follow(item.key, path, 0);
      if (reached === undefined) continue;
      offer(item.key.keys[reached - 1]!, reached);
      if (reached === item.key.keys.length) item.body.forEach((pair) => visitPair(pair, reached));
    }
  }
  return path.length === 0 ? undefined : best.depth === 0 ? undefined : best.node;
}

/** How deep in the path one is after a dotted key that begins at `depth`; undefined when it leads elsewhere. */
function follow(key: AST.TOMLKey, path: TomlPath, depth: number): number | undefined {
  let reached = depth;
  for (const part of key.keys) {
    if (reached === path.length) return reached;
    if (keyText(part) !== String(path[reached])) return undefined;
    reached++;
  }
  return reached;
}
