import assert from "node:assert/strict";
import { emptyAdvisory } from "../advisories/advisory.ts";
import { test } from "node:test";
import type { Verdict } from "../../core/finding.ts";
import {
  everyVersion,
  exactly,
  type Advisory,
  type AffectedProduct,
  type VersionRange,
} from "../advisories/advisory.ts";
import { advisorySet } from "../advisories/advisory-set.ts";
import { buildIndex } from "../advisories/index/build.ts";
import { AdvisoryIndex } from "../advisories/index/read.ts";
import { auditClosure } from "./audit-closure.ts";
import { before, digest, from, now, verdicts } from "../../../test/support/matching.ts";

const range = (status: VersionRange["status"]): VersionRange[] => [everyVersion(status)];
const said = (product: Partial<AffectedProduct>): AffectedProduct => ({
  kind: "product",
  name: "zlib",
  vendor: "zlib",
  target: "",
  reason: "",
  source: "test",
  ranges: range("affected"),
  ...product,
});
const advisory = (affected: readonly AffectedProduct[], more: Partial<Advisory> = {}): Advisory => ({
  ...emptyAdvisory,
  id: "CVE-2026-0003",
  affected,
  ...more,
});

test("evidence in its order: the team, the output itself, identifiers, the source, CPE", () => {
  const cpe = said({});
  const repository = said({
    kind: "repository",
    name: "github.com/madler/zlib",
    ranges: range("unaffected"),
  });
  const purl = said({ kind: "purl", name: "nix/zlib" });
  const output = said({
    kind: "output",
    name: digest,
    ranges: range("unaffected"),
    reason: "rebuilt with the fix",
  });
  const team = said({ kind: "statement", reason: "looked at", ranges: range("unknown") });
  const found = from("zlib-1.2", { repository: "github.com/madler/zlib" });
  const chain: readonly (readonly [AffectedProduct[], Verdict])[] = [
    [[cpe], "affected"],
    [[cpe, repository], "not-affected"],
    [[cpe, repository, purl], "affected"],
    [[cpe, repository, purl, output], "not-affected"],
    [[cpe, repository, purl, output, team], "unknown"],
  ];
  for (const [affected, answer] of chain) assert.deepEqual(verdicts(found, advisory(affected)), [answer]);
});

test("a statement about one version says nothing about another", () => {
  const statement = said({
    kind: "statement",
    reason: "not built in",
    ranges: [exactly("1.2", "unaffected", "nix")],
  });
  assert.deepEqual(verdicts(from("zlib-1.2"), advisory([said({}), statement])), ["not-affected"]);
  assert.deepEqual(verdicts(from("zlib-1.1"), advisory([said({}), statement])), ["affected"]);
  assert.deepEqual(verdicts(from("zlib-1.1"), advisory([statement])), []);
  const output = said({ kind: "output", name: digest, ranges: [exactly("1.2", "unaffected", "nix")] });
  assert.deepEqual(verdicts(from("zlib-1.1"), advisory([said({}), output])), ["affected"]);
});

test("a condition on the configuration: fulfilled, not fulfilled, not looked at", () => {
  const only = advisory([said({})], { team: { condition: { option: "services.x.enable", equals: true } } });
  const set = advisorySet([new AdvisoryIndex(buildIndex([only]))], null);
  for (const [holds, answer] of [
    [true, "affected"],
    [false, "not-affected"],
    [null, "unknown"],
  ] as const) {
    const { findings } = auditClosure({ packages: [from("zlib-1.2")], others: 0 }, set, now, {
      all: true,
      holds: () => holds,
    });
    assert.equal(findings[0]!.verdict, answer);
  }
});

test("a newer layer has the last word; what it withdraws is gone; old advisories are stale", () => {
  const old = new AdvisoryIndex(buildIndex([advisory([said({})])]));
  const inventory = { packages: [from("zlib-1.2")], others: 0 };
  for (const newer of [
    advisory([said({ ranges: range("unaffected") })]),
    { ...emptyAdvisory, id: "CVE-2026-0003", withdrawn: true },
  ]) {
    const set = advisorySet([old, new AdvisoryIndex(buildIndex([newer]))], now);
    const report = auditClosure(inventory, set, now);
    assert.deepEqual(report.findings, []);
    assert.deepEqual(report.staleSince, now);
  }
  assert.equal(
    auditClosure(inventory, advisorySet([old], new Date(now.getTime() + 1)), now).staleSince,
    null,
  );
});

test("an identifier in an SBOM names the product exactly", () => {
  const found = from("dashboard-1.0", { cpes: ["cpe:2.3:a:acme:panel:1.0:*:*:*:*:*:*:*"] });
  assert.deepEqual(verdicts(found, before("acme", "panel", "2.0")), ["affected"]);
  assert.deepEqual(verdicts(found, before("other", "panel", "2.0")), []);
  assert.deepEqual(verdicts(found, before("somevendor", "dashboard", "2.0")), []);
});
