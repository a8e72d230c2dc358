import { createHash } from "node:crypto";
import type { Answer, ExpressionCheck, OptionCheck } from "./checks/check.ts";
import { definitionsOf, type Definition } from "./configuration/definitions.ts";
import type { OptionIndex } from "./configuration/option-index.ts";
import { unreadable } from "./checks/own.ts";
import { hole, isWhole, type Value } from "./configuration/value.ts";
import type { Findings } from "./findings.ts";
import type { Expression } from "./nix-language/ast.ts";
import { parseNix } from "./nix-language/parser.ts";
import { walk } from "./nix-language/walk.ts";

/** The checks that look into Nix files, ready to be looked up. */
export interface NixChecks {
  readonly options: OptionIndex<OptionCheck>;
  readonly expressions: ReadonlyMap<Expression["kind"], readonly ExpressionCheck[]>;
  /** Patterns that checks of the whole want to see. */
  readonly wanted: OptionIndex<string>;
}

export interface Asked {
  asked: number;
  known: number;
}

/** What other checks want to know of a Nix file. */
export interface NixFileSeen {
  readonly wanted: readonly { readonly option: string; readonly definition: Definition }[];
  /** Relative paths that it names, as written: what is imported need not be called `.nix`. */
  readonly named: readonly string[];
}

/** Runs every check over one Nix file. Throws what the parser throws. */
export function checkNixFile(
  file: string,
  bytes: Uint8Array,
  lines: readonly string[],
  checks: NixChecks,
  findings: Findings,
  asked: Asked,
): NixFileSeen {
  const root = parseNix(bytes);
  const named: string[] = [];
  for (const expression of walk(root)) {
    if (expression.kind === "path" && expression.form === "relative" && expression.parts.length === 1)
      named.push(...expression.parts.flatMap((part) => (part.kind === "text" ? part.text : [])));
    for (const check of checks.expressions.get(expression.kind) ?? []) {
      const problem = check.find(expression);
      if (problem !== null)
        findings.add(
          check,
          file,
          { ...problem, line: expression.at.line },
          lines[expression.at.line - 1] ?? "",
        );
    }
  }
  const { definitions, complete } = definitionsOf(root, bytes.length);
  if (!complete)
    findings.add(
      unreadable,
      file,
      { unknown: true, message: "was not looked at whole: it is too large, or nested too deep" },
      createHash("sha256").update(bytes).digest("hex"),
    );
  const wanted: { option: string; definition: Definition }[] = [];
  for (const definition of definitions) {
    const name = definition.path.at(-1) ?? "";
    for (const check of checks.options.matching(definition))
      if (check.lastName?.test(name) !== false) judge(check, file, definition, lines, findings, asked);
    for (const option of checks.wanted.matching(definition)) wanted.push({ option, definition });
    if (definition.opened || (name !== hole && isPlain(definition.expression))) continue;
    const isNamed = name !== hole;
    if (isNamed && definition.value.kind !== "unknown") continue;
    // A name that is computed may be that of any option there.
    const above = isNamed ? definition : { ...definition, path: definition.path.slice(0, -1) };
    for (const check of checks.options.hiddenBy(above)) {
      if (check.judge({ kind: "unknown" }, definition) !== "unknown") continue;
      asked.asked++;
      report(check, file, definition, "unknown", lines, findings);
    }
  }
  return { wanted, named };
}

function judge(
  check: OptionCheck,
  file: string,
  definition: Definition,
  lines: readonly string[],
  findings: Findings,
  asked: Asked,
): void {
  const answer = check.judge(definition.value, definition);
  asked.asked++;
  if (answer !== "unknown") asked.known++;
  if (answer === "fine") findings.fine(check);
  else report(check, file, definition, answer, lines, findings);
}

function report(
  check: OptionCheck,
  file: string,
  definition: Definition,
  answer: Exclude<Answer, "fine">,
  lines: readonly string[],
  findings: Findings,
): void {
  const { path, at, value, conditional } = definition;
  const option = path.join(".");
  const unknown = answer === "unknown";
  const problem = unknown ? { message: `not known from the source: whether ${check.title}` } : answer;
  const shown = problem.secret === undefined && isWhole(value) ? ` = ${printed(value)}` : "";
  const condition = conditional ? ", under a condition that the file does not decide" : "";
  findings.add(
    check,
    file,
    { evidence: `${option}${shown}${condition}`, ...problem, line: at.line, unknown },
    `${option}=${printed(value)}\n${lines[at.line - 1] ?? ""}`,
    { path, open: unknown || conditional },
  );
}

/** A literal is never unknown: no need to evaluate it. */
function isPlain({ kind }: Expression): boolean {
  return (
    kind === "string" ||
    kind === "integer" ||
    kind === "float" ||
    kind === "path" ||
    kind === "list" ||
    kind === "set"
  );
}

/** As Nix would write it, nearly; for evidence and fingerprints. Parts may be shared: beyond `left` of them it ends. */
export function printed(value: Value, budget = { left: 2000 }): string {
  if (budget.left-- <= 0) return "…";
  switch (value.kind) {
    case "bool":
    case "number":
      return String(value.value);
    case "null":
      return "null";
    case "text":
      return JSON.stringify(value.text);
    case "path":
      return value.text;
    case "list":
      return `[ ${value.items
        .slice(0, budget.left)
        .map((item) => printed(item, budget))
        .join(" ")} ]`;
    case "set":
      return `{ ${Array.from(value.entries, ([name, inner]) => `${name} = ${printed(inner, budget)};`).join(" ")} }`;
    case "unknown":
      break;
  }
  return "?";
}
