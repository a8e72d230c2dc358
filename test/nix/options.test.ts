import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { top } from "../console.ts";
import { StockNix } from "../support/stock-nix.ts";

interface Option {
  readonly name: string;
  readonly type: string;
  readonly default: string;
  readonly readOnly: boolean;
  readonly description: string;
}

const nix = new StockNix();
after(() => nix.remove());

test("docs/nixos-module.md has a row for each option, with its type, default and description", () => {
  const expression = `import ${join(top, "test/nix/options.nix")} ${join(top, ".")}/.`;
  const options = nix.json(
    "nix-instantiate",
    "--eval",
    "--strict",
    "--json",
    "--expr",
    expression,
  ) as Option[];
  const rows = options.map(
    (option) =>
      `| \`${option.name}\` | ${option.type}${option.readOnly ? ", read-only" : ""} | ${option.default} | ${option.description} |`,
  );
  const page = readFileSync(join(top, "docs/nixos-module.md"), "utf8");
  const table = /^\| option \|.*\n\| -.*\n((?:\|.*\n)*)/m.exec(page)?.[1] ?? "";
  assert.equal(table, `${rows.join("\n")}\n`);
});

test("the examples of docs/nixos-module.md are Nix", () => {
  const page = readFileSync(join(top, "docs/nixos-module.md"), "utf8");
  const blocks = [...page.matchAll(/^```nix\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
  assert.ok(blocks.length >= 4);
  for (const block of blocks) nix.run("nix-instantiate", ["--parse", "--expr", block]);
});
