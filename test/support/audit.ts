import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "../../src/audit/checks/check.ts";
import type { AuditFinding, Report } from "../../src/audit/report.ts";
import { auditTarget } from "../../src/audit/run.ts";
import type { Target } from "../../src/audit/target/target.ts";
import { NixsealError } from "../../src/core/errors.ts";

/** Files by their path; a text that begins with `-> ` is a symlink. */
export type FileTree = Readonly<Record<string, string | Uint8Array>>;

/** A target that lies in memory. */
export function memoryTarget(tree: FileTree, singleFile = false): Target {
  const bytes = new Map(
    Object.entries(tree).map(([path, content]) => [path, Buffer.from(content as string)]),
  );
  return {
    entries: Array.from(bytes, ([path, content]) => {
      const text = content.toString("utf8", 0, 4096);
      const link = text.startsWith("-> ") ? text.slice(3) : undefined;
      return { path, kind: link === undefined ? "file" : "symlink", size: content.length, link };
    }),
    leftOut: [],
    cut: false,
    singleFile,
    repository: null,
    read: async ({ path }, limit = Infinity) => {
      const content = bytes.get(path)!;
      if (content.length > limit) throw new NixsealError("limit", `file is larger than ${limit} bytes`);
      return content;
    },
    close: async () => undefined,
  };
}

export const today = new Date("2026-06-01T12:00:00Z");

export async function reportOf(
  tree: FileTree,
  now = today,
): Promise<Pick<Report, "findings" | "waived" | "checks" | "coverage">> {
  return auditTarget(memoryTarget(tree), {
    only: ["config", "secrets", "trust"],
    now,
    progress: () => undefined,
    vulnerabilities: null,
  });
}

export async function findingsIn(tree: FileTree, now = today): Promise<readonly AuditFinding[]> {
  return (await reportOf(tree, now)).findings;
}

/** What a host's module holds, or a tree of files. */
type Fixture = string | FileTree;

export interface Fixtures {
  /** Each gives a finding of the check. */
  readonly bad: readonly Fixture[];
  /** None gives one. */
  readonly good: readonly Fixture[];
  /** Each gives one whose verdict is `unknown`. */
  readonly unknown?: readonly Fixture[];
}

function treeOf(fixture: Fixture): FileTree {
  return typeof fixture === "string"
    ? { "host.nix": `{ config, lib, pkgs, ... }:\n{\n  ${fixture}\n}\n` }
    : fixture;
}

/** Tests each check of a family with what it must find and what it must not: one that was turned round fails both. */
export function testFixtures(checks: readonly Check[], table: Readonly<Record<string, Fixtures>>): void {
  test("every check has fixtures of both kinds, and there are none for checks that are gone", () => {
    assert.deepEqual(Object.keys(table).sort(), checks.map(({ id }) => id).sort());
    for (const [id, { bad, good, unknown = [] }] of Object.entries(table))
      assert.ok(bad.length + unknown.length > 0 && good.length > 0, id);
  });
  for (const [id, { bad, good, unknown = [] }] of Object.entries(table))
    test(`${id}: ${checks.find((check) => check.id === id)?.name}`, async () => {
      const expected = async (fixture: Fixture, verdicts: readonly string[]): Promise<void> => {
        const findings = (await findingsIn(treeOf(fixture))).filter((finding) => finding.id === id);
        const shown = `${JSON.stringify(fixture)}\n${JSON.stringify(findings)}`;
        assert.deepEqual([...new Set(findings.map(({ verdict }) => verdict))], verdicts, shown);
      };
      for (const fixture of bad) await expected(fixture, ["affected"]);
      for (const fixture of unknown) await expected(fixture, ["unknown"]);
      for (const fixture of good) await expected(fixture, []);
    });
}
