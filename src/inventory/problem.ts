import type { z } from "zod";
import type { Finding } from "../core/finding.ts";
import { didYouMean } from "../core/suggest.ts";

/** The path to a value in a TOML file: keys and list indices. */
export type TomlPath = readonly (string | number)[];

/** Something in the inventory that is wrong or unwise. Without a line when the place is not known (yet). */
export interface Problem extends Finding {
  readonly id: ProblemId;
  readonly file: string;
  readonly path: TomlPath;
}

export type ProblemId =
  | "unknown-key"
  | "bad-value"
  | "duplicate"
  | "include"
  | "selector"
  | "same-path"
  | "same-credential"
  | "shared-key"
  | "shared-principal"
  | "no-recipient"
  | "no-reader"
  | "mode-for-others"
  | "stage-owner"
  | "no-identity"
  | "toml-version"
  | "permissions";

/** A value as an error shows it: short, one line, and never a private key that was pasted into the wrong place. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    if (/SECRET-KEY|PRIVATE KEY/i.test(value)) return "a private key (not shown)";
    const text = JSON.stringify(value.slice(0, 60));
    return value.length > 60 ? `${text.slice(0, -1)}…"` : text;
  }
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return "a table";
}

/** Turns what the schema found in one file into problems. `keysAt` tells which keys a table may have. */
export function schemaProblems(
  error: z.ZodError,
  raw: unknown,
  file: string,
  keysAt: (path: TomlPath) => readonly string[],
): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    const base = { severity: "high", file } as const;
    if (issue.code === "unrecognized_keys") {
      const known = keysAt(path);
      return issue.keys.map((key) => ({
        ...base,
        id: "unknown-key",
        path: [...path, key],
        message: `unknown key ${shown(key)}${inTable(path)}`,
        hint: didYouMean(key, known) ?? `expected one of ${known.join(", ")}`,
      }));
    }
    const expected = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? "a name") : issue.message;
    const found = issue.code === "invalid_key" ? path.at(-1) : valueAt(raw, path);
    const what = found === undefined ? `'${path.at(-1)}' is missing` : `found ${shown(found)}`;
    return [
      { ...base, id: "bad-value", path, message: `${what}, expected ${expected}`, hint: hintFor(found) },
    ];
  });
}

function inTable(path: TomlPath): string {
  return path.length === 0 ? "" : ` in [${path.join(".")}]`;
}

function hintFor(found: unknown): string | undefined {
  return typeof found === "string" && shown(found).startsWith("a private key")
    ? "a private key does not belong into fleet.toml: take it out, consider it lost, and make a new one"
    : undefined;
}

function valueAt(raw: unknown, path: TomlPath): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
