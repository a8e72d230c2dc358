import type { Document, Node, Scalar } from "yaml";
import { NixsealError } from "../core/errors.ts";

/** A value of a workflow with the line that it stands on. */
export type Yaml =
  | { readonly kind: "map"; readonly line: number; readonly entries: ReadonlyMap<string, Yaml> }
  | { readonly kind: "list"; readonly line: number; readonly items: readonly Yaml[] }
  /** `textLine` is where the text begins: below the `|` of a block. */
  | { readonly kind: "scalar"; readonly line: number; readonly text: string; readonly textLine: number };

export interface Step {
  readonly line: number;
  readonly uses: string | undefined;
  readonly run: string | undefined;
  /** The line that `run`'s first line of text stands on. */
  readonly runLine: number;
  readonly fields: Yaml;
}

export interface Job {
  readonly name: string;
  readonly line: number;
  readonly fields: Yaml;
  readonly steps: readonly Step[];
}

/** A workflow of GitHub, Forgejo or Gitea Actions. */
export interface Workflow {
  readonly file: string;
  readonly text: string;
  readonly top: Yaml;
  readonly triggers: ReadonlySet<string>;
  readonly jobs: readonly Job[];
}

export const workflowPath =
  /^\.(?:github|forgejo|gitea)\/(?:workflows\/[^/]+\.ya?ml|actions\/(?:[^/]+\/)*action\.ya?ml)$/;
const deepest = 60;
const mostNodes = 50_000;

/** Reads a workflow. Errors: `malformed` for what is no YAML or no workflow, `limit` for what is nested too deeply. */
export async function parseWorkflow(file: string, text: string): Promise<Workflow> {
  refuseDepth(text, file);
  const { LineCounter, parseDocument, isMap, isSeq, isScalar, isAlias } = await import("yaml");
  const counter = new LineCounter();
  const document: Document.Parsed = parseDocument(text, {
    lineCounter: counter,
    logLevel: "silent",
    prettyErrors: false, // a broken file may have a hundred thousand, each with a copy of its line
    uniqueKeys: false,
    merge: false,
  });
  const [fault] = document.errors;
  if (fault !== undefined)
    throw new NixsealError("malformed", `not YAML: ${fault.code}`, {
      where: { file, line: counter.linePos(fault.pos[0]).line },
    });
  let nodes = 0;
  // Aliases are followed one by one and counted: a few lines of them can stand for billions of nodes.
  const convert = (node: unknown, depth: number, line: number): Yaml => {
    if (++nodes > mostNodes || depth > deepest)
      throw new NixsealError("limit", "the workflow is too large", { where: { file, line } });
    const at = (node as Node | null)?.range?.[0];
    const here = at === undefined ? line : counter.linePos(at).line;
    if (isAlias(node)) return convert(node.resolve(document), depth + 1, here);
    if (isSeq(node))
      return { kind: "list", line: here, items: node.items.map((item) => convert(item, depth + 1, here)) };
    if (!isMap(node)) return scalarOf(isScalar(node) ? node : null, here);
    const entries = new Map<string, Yaml>();
    for (const { key, value } of node.items)
      entries.set(
        isScalar(key) ? scalarText(key) : "",
        convert(value, depth + 1, isScalar(key) && key.range ? counter.linePos(key.range[0]).line : here),
      );
    return { kind: "map", line: here, entries };
  };
  const top = convert(document.contents, 0, 1);
  if (top.kind !== "map") throw new NixsealError("malformed", "not a workflow", { where: { file, line: 1 } });
  return { file, text, top, triggers: triggersOf(child(top, "on")), jobs: jobsOf(top) };
}

export function child(value: Yaml | undefined, name: string): Yaml | undefined {
  return value?.kind === "map" ? value.entries.get(name) : undefined;
}

export function scalar(value: Yaml | undefined): string | undefined {
  return value?.kind === "scalar" ? value.text : undefined;
}

/** Every scalar below, with its line. */
export function* scalars(
  value: Yaml | undefined,
): Generator<{ readonly line: number; readonly text: string; readonly key: string }> {
  if (value === undefined) return;
  const waiting: { value: Yaml; key: string }[] = [{ value, key: "" }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.value.kind === "scalar") yield { line: next.value.line, text: next.value.text, key: next.key };
    else if (next.value.kind === "list")
      for (const item of next.value.items) waiting.push({ value: item, key: next.key });
    else for (const [key, inner] of next.value.entries) waiting.push({ value: inner, key });
  }
}

function jobsOf(top: Yaml): Job[] {
  const jobs = child(top, "jobs");
  const found =
    jobs?.kind === "map"
      ? [...jobs.entries].map(([name, fields]) => jobOf(name, fields, child(fields, "steps")))
      : [];
  const runs = child(top, "runs"); // a composite action has its steps there
  return runs === undefined ? found : [...found, jobOf("runs", runs, child(runs, "steps"))];
}

function jobOf(name: string, fields: Yaml, steps: Yaml | undefined): Job {
  const items = steps?.kind === "list" ? steps.items : [];
  return {
    name,
    line: fields.line,
    fields,
    steps: items.map((item) => ({
      line: item.line,
      uses: scalar(child(item, "uses")),
      run: scalar(child(item, "run")),
      runLine: textLineOf(child(item, "run")) ?? item.line,
      fields: item,
    })),
  };
}

function textLineOf(value: Yaml | undefined): number | undefined {
  return value?.kind === "scalar" ? value.textLine : undefined;
}

function triggersOf(on: Yaml | undefined): ReadonlySet<string> {
  if (on === undefined) return new Set();
  if (on.kind === "scalar") return new Set([on.text]);
  return new Set(on.kind === "list" ? on.items.map((item) => scalar(item) ?? "") : on.entries.keys());
}

function scalarOf(node: Scalar | null, line: number): Yaml {
  const block = node?.type === "BLOCK_LITERAL" || node?.type === "BLOCK_FOLDED";
  return { kind: "scalar", line, text: scalarText(node), textLine: block ? line + 1 : line };
}

function scalarText(node: Scalar | null): string {
  const value = node?.value;
  return typeof value === "string"
    ? value
    : value === null || value === undefined
      ? ""
      : (node?.source ?? JSON.stringify(value) ?? "");
}

/** The YAML package recurses: what is nested deeper than any workflow is refused before it sees it. */
function refuseDepth(text: string, file: string): void {
  let open = 0;
  let line = 0;
  for (const content of text.split("\n")) {
    line++;
    const indent = /^[ \t]*(?:[-?:][ \t]+)*/.exec(content)![0];
    const dashes = indent.replace(/[^-?:]/g, "").length;
    for (const character of content) {
      if (character === "[" || character === "{") open++;
      else if (character === "]" || character === "}") open = Math.max(0, open - 1);
    }
    if (open > 200 || dashes > deepest || indent.length > 4 * deepest)
      throw new NixsealError("limit", "the workflow is nested too deeply", { where: { file, line } });
  }
}
