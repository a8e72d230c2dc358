import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checks, families, familyOf } from "../../src/audit/checks/all.ts";
import { ownRules } from "../../src/audit/checks/own.ts";
import { checksPage } from "../../src/audit/documentation.ts";
import { top } from "../console.ts";

const page = join(top, "docs/audit-checks.md");

test("docs/audit-checks.md says what the checks say of themselves (UPDATE_DOCS=1 writes it)", () => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, checksPage());
  assert.equal(readFileSync(page, "utf8"), checksPage());
});

test("every check describes itself fully, and no identifier or name is given twice", () => {
  const all = [...checks, ...ownRules];
  assert.ok(checks.length >= 40, String(checks.length));
  for (const key of ["id", "name"] as const)
    assert.equal(new Set(all.map((check) => check[key])).size, all.length);
  for (const { id, name, title, means, fix, references, areas } of all) {
    assert.match(id, /^[A-Z]{2,3}\d{3}$/);
    assert.match(name, /^[a-z0-9-]+$/);
    assert.ok(familyOf(id) in families || ownRules.some((rule) => rule.id === id), id);
    assert.match(title, /[^.]$/, id);
    assert.match(means, /^[A-Z`].*\.$/, id);
    assert.match(fix, /[^.]$/, id);
    assert.ok(
      references.length > 0 &&
        references.every((address) => address.startsWith("https://")) &&
        areas.length > 0,
      id,
    );
  }
});
