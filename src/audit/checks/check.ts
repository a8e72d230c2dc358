import type { Severity } from "../../core/finding.ts";
import type { Definition } from "../configuration/definitions.ts";
import type { Value } from "../configuration/value.ts";
import type { Expression } from "../nix-language/ast.ts";
import type { LockFile } from "../target/lock-file.ts";
import type { Tree } from "../tree.ts";
import type { Workflow } from "../workflow.ts";

/** What checks are about. */
export const areas = ["config", "secrets", "trust"] as const;
export type Area = (typeof areas)[number];

/** What `--only` chooses: checks of files, and what the advisories say. */
export const auditAreas = [...areas, "vulnerabilities"] as const;
export type AuditArea = (typeof auditAreas)[number];

export function isArea(area: AuditArea): area is Area {
  return area !== "vulnerabilities";
}

/** One rule: what it means, how to fix what it finds, and a pure function that looks. */
export interface CheckInfo {
  /** Three letters of the family and a number; never given to another check. */
  readonly id: string;
  /** The same for people: `root-login`. */
  readonly name: string;
  readonly severity: Severity;
  readonly areas: readonly Area[];
  /** What is wrong, in a few words: the message of a finding. */
  readonly title: string;
  /** What an attacker gains, or what is lost. */
  readonly means: string;
  readonly fix: string;
  readonly references: readonly string[];
}

export type Check = OptionCheck | ExpressionCheck | TextCheck | WorkflowCheck | LockCheck | TreeCheck;

/** Judges the value of NixOS options. */
export interface OptionCheck extends CheckInfo {
  readonly looksAt: "option";
  /** Paths with `*` for any one name. They match the end of a definition's path: modules lie in other things. */
  readonly options: readonly string[];
  /** Only options whose last name fits are asked for. */
  readonly lastName?: RegExp;
  readonly judge: Judge;
}

export type Judge = (value: Value, definition: Definition) => Answer;
export type Answer = "fine" | "unknown" | Problem;

/** What is wrong, where the title alone does not say it. */
export interface Problem {
  readonly message?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly evidence?: string | undefined;
  /** The value that must not be repeated: it is taken out of what the report shows. */
  readonly secret?: string | undefined;
}

/** A problem with its place in a file. */
export interface Hit extends Problem {
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  /** Could not be told: the finding is `unknown`. */
  readonly unknown?: boolean | undefined;
}

/** Looks at each expression of each Nix file. */
export interface ExpressionCheck extends CheckInfo {
  readonly looksAt: "expression";
  readonly kinds: readonly Expression["kind"][];
  readonly find: (expression: Expression) => Problem | null;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** Looks at the text of files of any kind. */
export interface TextCheck extends CheckInfo {
  readonly looksAt: "text";
  /** Files that it reads; default: all. */
  readonly files?: (path: string) => boolean;
  readonly find: (file: TextFile) => Iterable<Hit>;
}

export interface WorkflowCheck extends CheckInfo {
  readonly looksAt: "workflow";
  readonly find: (workflow: Workflow) => Iterable<Hit>;
}

export interface LockCheck extends CheckInfo {
  readonly looksAt: "lock";
  readonly find: (lock: LockFile, now: Date) => Iterable<Hit>;
}

/** Looks at the target as a whole, after all files: what is missing, what belongs together. */
export interface TreeCheck extends CheckInfo {
  readonly looksAt: "tree";
  /** Options whose definitions it wants to see. */
  readonly options?: readonly string[];
  readonly find: (tree: Tree) => Iterable<Hit>;
}
