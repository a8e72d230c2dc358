import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { Collection } from "../collection.ts";
import { severityOf, type Advisory } from "../advisory.ts";
import { baseScore } from "../cvss.ts";
import { toCsaf } from "../export/csaf.ts";
import { toOpenVex } from "../export/openvex.ts";
import { toOsv } from "../export/osv.ts";
import { importers, type ImportKind } from "./importers.ts";

const cpe = "cpe:2.3:a:vim:vim:*:*:*:*:*:*:*:*";
const nvdRecord = {
  id: "CVE-2024-1000",
  published: "2024-01-01T10:00:00.123",
  lastModified: "2024-02-01T10:00:00.123",
  vulnStatus: "Analyzed",
  descriptions: [{ lang: "en", value: "A flaw\nin vim" }],
  metrics: { cvssMetricV31: [{ type: "Primary", cvssData: { baseScore: 7.8 } }] },
  references: [{ url: "https://example.org/1" }],
  configurations: [
    {
      nodes: [
        {
          operator: "OR",
          negate: false,
          cpeMatch: [
            { vulnerable: true, criteria: cpe, versionStartExcluding: "8.0", versionEndIncluding: "9.0" },
          ],
        },
      ],
    },
  ],
};
const cveRecord = {
  dataType: "CVE_RECORD",
  dataVersion: "5.1",
  cveMetadata: { cveId: "CVE-2024-1000", state: "PUBLISHED", datePublished: "2024-01-01T00:00:00Z" },
  containers: {
    cna: {
      title: "Flaw in vim",
      metrics: [{ cvssV3_1: { baseScore: 5.5 } }],
      affected: [
        {
          vendor: "vim",
          product: "vim",
          versions: [
            {
              version: "8.1",
              lessThan: "9.1",
              status: "affected",
              versionType: "semver",
              changes: [{ at: "8.5", status: "unaffected" }],
            },
            { version: "< 7.4", status: "affected" },
          ],
        },
      ],
    },
    adp: [{ affected: [{ vendor: "Vim", product: "Vim", cpes: [cpe], defaultStatus: "unknown" }] }],
  },
};
const osvRecord = {
  schema_version: "1.7.0",
  id: "GHSA-aaaa-bbbb-cccc",
  modified: "2024-01-01T00:00:00Z",
  aliases: ["CVE-2024-1000"],
  summary: "flaw",
  severity: [{ type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
  affected: [
    {
      package: { ecosystem: "PyPI", name: "Foo.Bar" },
      ranges: [
        {
          type: "ECOSYSTEM",
          events: [{ fixed: "1.2" }, { introduced: "0" }, { introduced: "2.0" }, { last_affected: "2.3" }],
        },
      ],
    },
    {
      ranges: [
        {
          type: "GIT",
          repo: "https://github.com/Vim/vim.git",
          events: [{ introduced: "0" }, { fixed: "abc" }],
        },
      ],
      versions: ["v9.0", "v9.1"],
    },
  ],
};
const kevRecord = {
  catalogVersion: "2024.01.01",
  vulnerabilities: [{ cveID: "CVE-2024-1000", vulnerabilityName: "Vim flaw", dateAdded: "2024-03-01" }],
};
const vexRecord = {
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://example.org/vex",
  timestamp: "2024-04-01T00:00:00Z",
  statements: [
    {
      vulnerability: { name: "CVE-2024-1000" },
      products: [{ "@id": "pkg:nix/vim@9.0" }, { "@id": "pkg:oci/other" }],
      status: "not_affected",
      justification: "vulnerable_code_not_present",
    },
  ],
};
const texts: Readonly<Record<ImportKind, string>> = {
  nvd: JSON.stringify({ format: "NVD_CVE", version: "2.0", vulnerabilities: [{ cve: nvdRecord }] }),
  cve5: JSON.stringify(cveRecord),
  osv: JSON.stringify(osvRecord),
  kev: JSON.stringify(kevRecord),
  epss: "#model_version:v2024.01.01\ncve,epss,percentile\nCVE-2024-1000,0.97,0.999\nCVE-2024-2000,0.1,0.5\n",
  vex: JSON.stringify(vexRecord),
};
const parsed = (kind: ImportKind): Advisory[] => importers[kind].parse(utf8(texts[kind]));

test("NVD: text in one line, times in UTC, ranges with their ends", () => {
  const [advisory] = parsed("nvd");
  assert.equal(advisory!.summary, "A flaw in vim");
  assert.equal(advisory!.published, "2024-01-01T10:00:00Z");
  assert.deepEqual(advisory!.affected, [
    {
      kind: "product",
      name: "vim",
      vendor: "vim",
      target: "",
      reason: "",
      source: "nvd",
      ranges: [
        { status: "affected", type: "custom", from: "8.0", fromExclusive: true, to: "9.0", end: "through" },
      ],
    },
  ]);
});

test("CVE 5: changes, prose, enrichers", () => {
  const [advisory] = parsed("cve5");
  const common = { fromExclusive: false };
  assert.deepEqual(advisory!.affected[0]!.ranges, [
    { ...common, status: "affected", type: "semver", from: "8.1", to: "8.5", end: "before" },
    { ...common, status: "unaffected", type: "semver", from: "8.5", to: "9.1", end: "before" },
    { ...common, status: "affected", type: "custom", from: null, to: "7.4", end: "before" },
  ]);
  assert.deepEqual(
    advisory!.affected.map(({ vendor, name }) => `${vendor}:${name}`),
    ["vim:vim", "vim:vim"],
  );
});

test("OSV: events in any order, names as the ecosystem compares them, tags of a repository", () => {
  const [{ affected, score }] = parsed("osv") as [Advisory];
  assert.equal(score, 9.8);
  assert.deepEqual(
    affected.map(({ kind, name }) => `${kind}:${name}`),
    ["purl:pypi/foo-bar", "repository:github.com/vim/vim"],
  );
  assert.deepEqual(
    affected[0]!.ranges.map(({ from, to, end }) => [from, to, end]),
    [
      [null, "1.2", "before"],
      ["2.0", "2.3", "through"],
    ],
  );
  assert.deepEqual(
    affected[1]!.ranges.map(({ from }) => from),
    ["9.0", "9.1"],
  );
});

test("CVSS: scores of the specification's own examples", () => {
  for (const [vector, score] of [
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10],
    ["CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4],
    ["CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1],
    ["CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2],
    ["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0],
  ] as const)
    assert.equal(baseScore(vector), score, vector);
  for (const vector of [
    "",
    "CVSS:4.0/AV:N",
    "CVSS:3.1/AV:N/AC:L",
    "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
  ])
    assert.equal(baseScore(vector), null);
});

test("a collection: one advisory of many sources; a second import replaces what its source said, and nothing else", () => {
  const collection = new Collection();
  assert.equal(collection.add(parsed("epss"), { known: true }), 0, "a score alone makes no advisory");
  for (const kind of ["nvd", "cve5", "osv", "kev", "epss", "vex"] as const)
    collection.add(parsed(kind), { known: importers[kind].known });
  const advisory = collection.get("CVE-2024-1000")!;
  assert.equal(collection.size, 1);
  assert.deepEqual(advisory.aliases, ["GHSA-aaaa-bbbb-cccc"]);
  assert.deepEqual([advisory.exploited, advisory.epss], ["2024-03-01", 0.97]);
  const sources = (): string[] =>
    collection
      .get("CVE-2024-1000")!
      .affected.map(({ source }) => source)
      .sort();
  const before = sources();
  for (const kind of Object.keys(importers) as ImportKind[])
    collection.add(parsed(kind), { known: importers[kind].known });
  assert.deepEqual(sources(), before);
  assert.deepEqual(
    [...new Set(before)],
    ["cve5", "nvd", "osv:GHSA-aaaa-bbbb-cccc", "vex:https://example.org/vex"],
  );
  assert.equal(
    severityOf({ score: 1, rating: null, exploited: "2024-03-01" }),
    "high",
    "what is exploited is never low",
  );
});

test("our own format loses nothing, and is OSV", () => {
  const collection = new Collection();
  for (const kind of ["nvd", "cve5", "osv", "kev", "epss", "vex"] as const)
    collection.add(parsed(kind), { known: importers[kind].known });
  const [advisory] = collection.sorted();
  const own: Advisory = {
    ...advisory!,
    team: {
      units: ["vim.service"],
      condition: { option: "programs.vim.enable", equals: true },
      channels: [{ channel: "nixos-26.05", fixed: "a".repeat(40) }],
      patches: ["fix.patch"],
    },
  };
  assert.deepEqual(importers.osv.parse(utf8(JSON.stringify(toOsv(own)))), [own]);
});

test("exports: CSAF names every product that it speaks of, OpenVEX what has one version", () => {
  const collection = new Collection();
  for (const kind of ["nvd", "vex"] as const) collection.add(parsed(kind));
  const advisories = collection.sorted();
  const csaf = toCsaf(
    advisories,
    { name: "x", namespace: "https://example.org" },
    "id",
    "2024-01-01T00:00:00Z",
  ) as unknown as {
    product_tree: { branches: { branches: { product: { product_id: string } }[] }[] };
    vulnerabilities: { product_status: Record<string, string[]> }[];
  };
  const declared = csaf.product_tree.branches
    .flatMap(({ branches }) => branches.map(({ product }) => product.product_id))
    .sort();
  const used = csaf.vulnerabilities
    .flatMap(({ product_status: status }) => Object.values(status).flat())
    .sort();
  assert.deepEqual(used, declared);
  const vex = toOpenVex(advisories, "x", "https://example.org/x", "2024-01-01T00:00:00Z");
  const [again] = importers.vex.parse(utf8(JSON.stringify(vex)));
  assert.deepEqual(
    again!.affected.map(({ kind, name, ranges }) => [kind, name, ranges[0]!.from, ranges[0]!.status]),
    [["statement", "vim", "9.0", "unaffected"]],
  );
});

test("any change to any format ends in advisories or in an error of ours that names the place", () => {
  const json: readonly unknown[] = [
    null,
    0,
    -1,
    "",
    "x",
    true,
    [],
    {},
    [[]],
    "\u0000",
    "\ud800",
    "9".repeat(5000),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(importers) as ImportKind[])),
      fc.nat(),
      fc.constantFrom(...json),
      fc.string({ maxLength: 2 }),
      (kind, place, value, piece) => {
        for (const text of [replaced(texts[kind], place, value), spliced(texts[kind], place, piece)]) {
          try {
            for (const advisory of importers[kind].parse(utf8(text))) toOsv(advisory);
          } catch (error) {
            assert.ok(
              error instanceof NixsealError && error.code !== "bug",
              `${kind}: ${String(error)}\n${text}`,
            );
          }
        }
      },
    ),
    { numRuns: 3000 },
  );
});

/** The document with its n-th value replaced. */
function replaced(text: string, place: number, value: unknown): string {
  if (!text.startsWith("{")) return text;
  let count = 0;
  const total = text.match(/[:,[]/g)!.length;
  return JSON.stringify(JSON.parse(text, (_, old: unknown) => (count++ === place % total ? value : old)));
}

function spliced(text: string, place: number, piece: string): string {
  const at = place % (text.length + 1);
  return text.slice(0, at) + piece + text.slice(at + 1);
}

test("nesting without end, and lists without end", () => {
  const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
  for (const kind of Object.keys(importers) as ImportKind[])
    assert.throws(
      () => importers[kind].parse(utf8(kind === "epss" ? deep : `{"id":${deep}}`)),
      { name: "NixsealError" },
      kind,
    );
  const many = { ...osvRecord, aliases: Array.from({ length: 1000 }, (_, i) => `X-${i}`) };
  assert.throws(() => importers.osv.parse(utf8(JSON.stringify(many))), { code: "limit" });
});
