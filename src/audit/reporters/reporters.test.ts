import assert from "node:assert/strict";
import { test } from "node:test";
import { hostileReport } from "../../../test/support/hostile-reports.ts";
import { plain, tagsLeftOpen, type Sarif } from "../../../test/support/reports.ts";
import { htmlReport } from "./html.ts";
import { jsonReport } from "./json.ts";
import { junitReport } from "./junit.ts";
import { sarifReport } from "./sarif.ts";
import { textReport } from "./text.ts";

test("SARIF: what the schema of 2.1.0 demands, relative URIs, every rule declared", async () => {
  const report = await hostileReport();
  const { $schema, version, runs, ...others } = JSON.parse(sarifReport(report)) as Sarif;
  assert.deepEqual([version, Object.keys(others)], ["2.1.0", []]);
  assert.match($schema, /sarif-schema-2\.1\.0\.json$/);
  const [run] = runs;
  const { rules } = run!.tool.driver;
  assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length);
  assert.equal(run!.results.length, report.findings.length + 1);
  for (const rule of rules)
    assert.ok(
      rule.shortDescription.text !== "" &&
        (rule.helpUri === undefined || URL.canParse(rule.helpUri)) &&
        rule.fullDescription.text !== "",
    );
  for (const { ruleId, ruleIndex, level, kind, message, locations, partialFingerprints } of run!.results) {
    assert.equal(rules[ruleIndex]?.id, ruleId);
    assert.ok(["none", "note", "warning", "error"].includes(level) && ["fail", "open"].includes(kind));
    assert.equal(kind === "open", level === "none"); // §3.27.10
    assert.ok(message.text !== "" && /^[0-9a-f]{16}$/.test(partialFingerprints["nixseal/v1"]!));
    for (const {
      physicalLocation: { artifactLocation, region },
    } of locations) {
      assert.match(artifactLocation.uri, /^(?:[\w.~!*'()-]|%[0-9A-F]{2}|\/)+$/); // RFC 3986: no scheme, no authority
      assert.ok(!artifactLocation.uri.startsWith("/") && artifactLocation.uriBaseId === "SRCROOT");
      assert.ok(region === undefined || region.startLine >= 1);
    }
  }
  assert.ok(run!.results.some(({ kind }) => kind === "open"));
  const suppressed = run!.results.filter(({ suppressions }) => suppressions !== undefined);
  assert.deepEqual(
    suppressed.map(({ suppressions }) => suppressions![0]!.kind),
    ["external"],
  );
  const decoded = run!.results.map(({ locations }) =>
    decodeURIComponent(locations[0]?.physicalLocation.artifactLocation.uri ?? ""),
  );
  assert.ok(report.findings.every(({ file = "" }) => decoded.includes(file)));
});

test("HTML: nothing of the target becomes markup, and nothing is loaded", async () => {
  const page = htmlReport(await hostileReport());
  assert.ok(
    page.includes("&#60;script&#62;") &&
      !page.includes("<script") &&
      !page.includes("\u001b") &&
      !page.includes("\u202e"),
  );
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /\ssrc=|url\(|@import|<link/);
  assert.equal(tagsLeftOpen(page.replace(/^<!doctype html>/, "").replace(/<meta[^>]*>|<br>/g, "")), "");
});

test("JUnit: well-formed, failures and skipped ones counted", async () => {
  const report = await hostileReport();
  const xml = junitReport(report);
  // oxlint-disable-next-line no-control-regex -- XML 1.0 has none of them
  assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  assert.doesNotMatch(
    xml.replace(
      /<\/?(?:testsuites|testsuite|testcase|failure|skipped)(?: [\w]+="[^"<]*")*\/?>|<\?xml [^>]*\?>/g,
      "",
    ),
    /[<>]/,
  );
  assert.equal(tagsLeftOpen(xml.replace(/^<\?xml[^>]*>/, "")), "");
  const failures = report.findings.filter(({ verdict }) => verdict === "affected").length;
  assert.equal(xml.match(/<failure /g)?.length, failures);
  assert.ok(xml.includes(`failures="${failures}"`) && xml.includes("<skipped "));
});

test("text: no control character of the target reaches the terminal; the fix and the fingerprint are there", async () => {
  const report = await hostileReport();
  const text = textReport(report, plain);
  // oxlint-disable-next-line no-control-regex -- the terminal would obey them
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.ok(report.findings.every(({ fingerprint }) => text.includes(fingerprint)));
  assert.match(text, /fix: leave trusted-users at root/);
  assert.match(text, /1 waived/);
});

test("JSON is the report", async () => {
  const report = await hostileReport();
  assert.deepEqual(JSON.parse(jsonReport(report)), JSON.parse(JSON.stringify(report)));
});
