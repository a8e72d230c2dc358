/** One record of every format that is imported, all about one vulnerability. */
import type { Advisory } from "../../src/audit/advisories/advisory.ts";
import { importers, type ImportKind } from "../../src/audit/advisories/import/importers.ts";
import { utf8 } from "../../src/core/bytes.ts";

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
export const osvRecord = {
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
export const texts: Readonly<Record<ImportKind, string>> = {
  nvd: JSON.stringify({ format: "NVD_CVE", version: "2.0", vulnerabilities: [{ cve: nvdRecord }] }),
  cve5: JSON.stringify(cveRecord),
  osv: JSON.stringify(osvRecord),
  kev: JSON.stringify(kevRecord),
  epss: "#model_version:v2024.01.01\ncve,epss,percentile\nCVE-2024-1000,0.97,0.999\nCVE-2024-2000,0.1,0.5\n",
  vex: JSON.stringify(vexRecord),
};
export const parsed = (kind: ImportKind): Advisory[] => importers[kind].parse(utf8(texts[kind]));
