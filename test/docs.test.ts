import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkStep, enterSandbox, parseSession, top } from "./console.ts";

const pages = [
  "README.md",
  ...readdirSync(join(top, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

/**
 * The ```console blocks of a page, in order and in one directory. A comment `<!-- before: … -->` holds what a
 * reader has already (a key, a file) and is run silently.
 */
function sessionOf(text: string): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = [];
  for (const match of text.matchAll(/^```console\n([\s\S]*?)^```$|^<!-- before:\n([\s\S]*?)-->$/gm)) {
    const line = text.slice(0, match.index).split("\n").length + 1;
    found.push({ line, text: match[1] ?? match[2]! });
  }
  return found;
}

for (const page of pages) {
  const blocks = sessionOf(readFileSync(join(top, page), "utf8"));
  if (blocks.length === 0) continue;
  test(`commands of ${page}`, () => {
    const sandbox = enterSandbox();
    try {
      for (const block of blocks)
        for (const step of parseSession(block.text, block.line)) checkStep(step, page, sandbox);
    } finally {
      sandbox.leave();
    }
  });
}

test("tests and files that the pages on security name are there", () => {
  const directory = join(top, "docs/security");
  for (const page of readdirSync(directory)) {
    const text = readFileSync(join(directory, page), "utf8");
    const named = [...text.matchAll(/`((?:src|test|nix|scripts)\/[\w./-]+\.\w+)`/g)].map(
      (match) => match[1]!,
    );
    const missing = named.filter((file) => !existsSync(join(top, file)));
    assert.deepEqual(missing, [], page);
  }
});
