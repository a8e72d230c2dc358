import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf, today } from "../../../test/support/audit.ts";
import { utf8 } from "../../core/bytes.ts";
import { emptyAdvisory, type Advisory } from "../advisories/advisory.ts";
import { advisorySet } from "../advisories/advisory-set.ts";
import { buildIndex } from "../advisories/index/build.ts";
import { AdvisoryIndex } from "../advisories/index/read.ts";
import { packagesOf } from "../packages/read.ts";
import { noFiles, type Report } from "../report.ts";
import { closureVulnerabilities } from "../vulnerabilities.ts";
import { htmlReport } from "./html.ts";
import { jsonReport } from "./json.ts";
import { junitReport } from "./junit.ts";
import { sarifReport } from "./sarif.ts";
import { textReport } from "./text.ts";
import { vexReport } from "./vex.ts";

const plain = {
  good: (t: string) => t,
  bad: (t: string) => t,
  weak: (t: string) => t,
  strong: (t: string) => t,
};
const evil = `<script>alert(1)</script>"'&\u001b[31m\u202e]]>`;

async function hostileReport(): Promise<Report> {
  const name = `a b/%2e/${evil.replaceAll("/", "")}.nix`;
  const result = await reportOf({
    [name]: `{ services.openssh.settings.PermitRootLogin = "yes"; nix.settings.trusted-users = [ ''${evil}'' ]; networking.firewall.enable = x; }`,
    ".github/workflows/x.yml": `on: push\njobs:\n  a:\n    steps:\n      - uses: "${evil.replaceAll('"', "").replaceAll("\u001b", "")}@v1"\n`,
  });
  const [first, ...rest] = result.findings;
  return {
    target: evil,
    at: today.toISOString(),
    only: ["config"],
    ...result,
    findings: rest,
    waived: [{ ...first!, waiver: { owner: evil, until: "2027-01-01", because: evil } }],
    vulnerabilities: null,
    failOn: "low",
    failing: 1,
  };
}

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

/** A closure of which the advisories say all that they can, in words made to be markup and escape codes. */
function vulnerableReport(): Report {
  const product = { kind: "product", vendor: "vim", target: "", reason: "", source: "x" } as const;
  const range = {
    status: "affected",
    type: "custom",
    from: null,
    fromExclusive: false,
    to: "9.1",
    end: "before",
  } as const;
  const of = (id: string, name: string, more: Partial<Advisory> = {}): Advisory => ({
    ...emptyAdvisory,
    id,
    summary: `${id} ${evil}`,
    affected: [{ ...product, name, ranges: [range] }],
    ...more,
  });
  const index = buildIndex([
    of("CVE-2026-0001", "vim", { score: 9.8, exploited: "2026-01-02", aliases: ["GHSA-aaaa-bbbb-cccc"] }),
    of("CVE-2026-0002", "vim"),
    of("GHSA-aaaa-bbbb-cccd", "vim", { team: { condition: { option: '<b>&"', equals: true } } }),
    of("TEAM-4", "panel"),
  ]);
  const path = `/nix/store/${"0".repeat(32)}-vim-9.0`;
  const packages = [
    {
      name: "vim",
      version: "9.0",
      paths: [path],
      patches: ["CVE-2026-0002.patch"],
      cpes: [],
      purls: [],
      repository: null,
    },
    { name: "panel", version: "1.0", paths: [], patches: null, cpes: [], purls: [], repository: null },
  ];
  const advisories = { set: advisorySet([new AdvisoryIndex(index)], null), feed: null, now: today };
  const { findings, answer } = closureVulnerabilities({ packages, others: 1 }, evil, advisories, {
    all: true,
  });
  return {
    target: evil,
    at: today.toISOString(),
    only: ["vulnerabilities"],
    findings: findings.slice(1),
    waived: [{ ...findings[0]!, waiver: { owner: evil, until: "2027-01-01", because: evil } }],
    checks: [],
    coverage: noFiles,
    vulnerabilities: answer,
    failOn: "low",
    failing: 0,
  };
}

test("vulnerabilities in every format: nothing of an advisory becomes markup, an escape code or another field", () => {
  const report = vulnerableReport();
  assert.deepEqual(
    [...report.waived, ...report.findings].map(({ id, verdict }) => [id, verdict]),
    [
      ["CVE-2026-0001", "affected"],
      ["TEAM-4", "unknown"],
      ["GHSA-aaaa-bbbb-cccd", "unknown"],
      ["CVE-2026-0002", "not-affected"],
    ],
  );
  const text = textReport(report, plain);
  // oxlint-disable-next-line no-control-regex -- the terminal would obey them
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.match(text, /unknown \(nothing but the name is the same\): TEAM-4/);
  assert.match(text, /not affected \(patch CVE-2026-0002\.patch is applied\): CVE-2026-0002/);
  const page = htmlReport(report);
  assert.ok(!page.includes("<script") && !page.includes("\u001b") && !page.includes("\u202e"));
  assert.equal(tagsLeftOpen(page.replace(/^<!doctype html>/, "").replace(/<meta[^>]*>|<br>/g, "")), "");
  const xml = junitReport(report);
  assert.equal(tagsLeftOpen(xml.replace(/^<\?xml[^>]*>/, "")), "");
  assert.equal(xml.match(/<skipped /g)?.length, 2);
  const { runs } = JSON.parse(sarifReport(report)) as Sarif;
  assert.deepEqual(
    runs[0]!.results.map(({ ruleId, kind, level }) => [ruleId, kind, level]),
    [
      ["TEAM-4", "open", "none"],
      ["GHSA-aaaa-bbbb-cccd", "open", "none"],
      ["CVE-2026-0002", "notApplicable", "none"],
      ["CVE-2026-0001", "fail", "error"],
    ],
  );
  for (const { ruleId, ruleIndex } of runs[0]!.results)
    assert.equal(runs[0]!.tool.driver.rules[ruleIndex]?.id, ruleId);
});

test("CycloneDX VEX: the states of its analysis, packages by reference, and it reads back as a bill of materials", () => {
  const text = vexReport(vulnerableReport());
  const document = JSON.parse(text) as {
    readonly serialNumber: string;
    readonly components: readonly { readonly "bom-ref": string }[];
    readonly vulnerabilities: readonly {
      readonly id: string;
      readonly analysis: { readonly state: string; readonly justification?: string };
      readonly affects: readonly {
        readonly ref: string;
        readonly versions: readonly { readonly status: string }[];
      }[];
    }[];
  };
  assert.match(
    document.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.deepEqual(
    document.vulnerabilities.map(({ id, analysis, affects }) => [
      id,
      analysis.state,
      affects[0]!.versions[0]!.status,
    ]),
    [
      ["TEAM-4", "in_triage", "unknown"],
      ["GHSA-aaaa-bbbb-cccd", "in_triage", "unknown"],
      ["CVE-2026-0002", "resolved_with_pedigree", "unaffected"],
      ["CVE-2026-0001", "exploitable", "affected"],
    ],
  );
  const references = document.components.map((component) => component["bom-ref"]);
  assert.deepEqual(references, ["pkg:nix/panel@1.0", "pkg:nix/vim@9.0"]);
  for (const { affects } of document.vulnerabilities)
    for (const { ref } of affects) assert.ok(references.includes(ref));
  const { packages } = packagesOf(utf8(text));
  assert.deepEqual(
    packages.map(({ name, version }) => `${name} ${version}`),
    ["panel 1.0", "vim 9.0"],
  );
  assert.equal(vexReport(vulnerableReport()), text, "there is nothing random in it");
});

test("JSON is the report", async () => {
  const report = await hostileReport();
  assert.deepEqual(JSON.parse(jsonReport(report)), JSON.parse(JSON.stringify(report)));
});

/** The first element that is not closed, or closed in the wrong order. */
function tagsLeftOpen(markup: string): string {
  const open: string[] = [];
  for (const [, slash, name, self] of markup.matchAll(/<(\/?)([a-z]\w*)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === "/") {
      if (open.pop() !== name) return `</${name}>`;
    } else if (self !== "/") open.push(name!);
  }
  return open.join(" ");
}

interface Sarif {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly rules: readonly {
          id: string;
          helpUri?: string;
          shortDescription: { text: string };
          fullDescription: { text: string };
        }[];
      };
    };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly kind: string;
      readonly message: { readonly text: string };
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly suppressions?: readonly { readonly kind: string }[];
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { uri: string; uriBaseId: string };
          readonly region?: { startLine: number };
        };
      }[];
    }[];
  }[];
}
