/**
 * Runs what a console session shows: `$ command` lines, the output that they must give, `[N]` for an exit code
 * other than 0. `...` in an expected line stands for anything. Used by the transcripts in test/cli/ and for the
 * ```console blocks of the documentation.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const top = normalize(fileURLToPath(new URL("../..", import.meta.url)));

export interface Step {
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
  readonly code: number;
}

/** Lines before the first `$` are prose; a command goes on while its line ends with a backslash. */
export function parseSession(text: string, firstLine = 1): Step[] {
  const steps: (Step & { expected: string[]; code: number })[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    let line = lines[index]!;
    if (line.startsWith("$ ")) {
      const began = index;
      while (line.endsWith("\\")) line = `${line.slice(0, -1)}${lines[++index] ?? ""}`;
      steps.push({ line: firstLine + began, command: line.slice(2), expected: [], code: 0 });
    } else if (/^\[\d+\]$/.test(line) && steps.length > 0) steps.at(-1)!.code = Number(line.slice(1, -1));
    else if (line !== "" && !line.startsWith("# ")) steps.at(-1)?.expected.push(line);
  }
  return steps;
}

/** A directory of its own, with a HOME inside; removed by `leave`. */
export function enterSandbox(): { directory: string; env: NodeJS.ProcessEnv; leave: () => void } {
  const base = mkdtempSync(join(tmpdir(), "nixseal-console-"));
  const directory = join(base, "work");
  for (const name of ["work", "home"]) mkdirSync(join(base, name));
  const env: NodeJS.ProcessEnv = {
    PATH: `${join(top, "bin")}:${process.env["PATH"]}`,
    HOME: join(base, "home"),
    LANG: "C.UTF-8",
    NO_COLOR: "1",
    GIT_AUTHOR_NAME: "Alice",
    GIT_AUTHOR_EMAIL: "alice@example.org",
    GIT_COMMITTER_NAME: "Alice",
    GIT_COMMITTER_EMAIL: "alice@example.org",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
  return { directory, env, leave: () => rmSync(base, { recursive: true, force: true }) };
}

/** Runs one step and compares what came with what was expected. */
export function checkStep(
  step: Step,
  file: string,
  sandbox: { directory: string; env: NodeJS.ProcessEnv },
): void {
  const { directory, env } = sandbox;
  const result = spawnSync("bash", ["-c", `{ ${step.command}\n} 2>&1`], {
    cwd: directory,
    env,
    encoding: "utf8",
    input: "",
    timeout: 60_000,
  });
  const lines = result.stdout.split("\n").filter((line) => line !== "");
  const shown = `${file}:${step.line}: $ ${step.command}\n${result.stdout}`;
  assert.equal(result.status, step.code, `exit code ${result.status}, expected ${step.code}\n${shown}`);
  assert.ok(
    matches(lines, step.expected),
    `output differs\n${shown}\nexpected:\n${step.expected.join("\n")}`,
  );
}

function matches(lines: readonly string[], expected: readonly string[]): boolean {
  if (expected.length === 0) return lines.length === 0;
  const [first, ...rest] = expected;
  if (first === "...")
    return lines.some((_, start) => matches(lines.slice(start), rest)) || rest.length === 0;
  return lines.length > 0 && pattern(first!).test(lines[0]!) && matches(lines.slice(1), rest);
}

function pattern(line: string): RegExp {
  const parts = line.split("...").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
