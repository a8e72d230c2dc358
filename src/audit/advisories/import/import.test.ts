import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import { type Advisory } from "../advisory.ts";
import { parseCpe } from "../cpe.ts";
import { baseScore } from "../cvss.ts";
import { toOsv } from "../export/osv.ts";
import { importers, type ImportKind } from "./importers.ts";
import { osvRecord, parsed, texts } from "../../../../test/support/advisory-records.ts";

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

/** A CVE record with these products. */
const cve5 = (...affected: readonly object[]): Advisory =>
  importers.cve5.parse(
    utf8(
      JSON.stringify({
        dataType: "CVE_RECORD",
        dataVersion: "5.1",
        cveMetadata: { cveId: "CVE-2024-3094", state: "PUBLISHED" },
        containers: { cna: { descriptions: [{ lang: "en", value: "x" }], affected } },
      }),
    ),
  )[0]!;
const names = ({ affected }: Advisory): string[] =>
  affected.map(({ kind, vendor, name, target }) => `${kind} ${vendor}:${name}${target && ` on ${target}`}`);

test("CVE 5: a package of a collection in place of a product, and CPE names of both versions", () => {
  const versions = [{ version: "5.6.0", status: "affected" }];
  assert.deepEqual(
    names(
      cve5(
        { collectionURL: "https://github.com/tukaani-project/xz", packageName: "xz", versions },
        { collectionURL: "https://www.npmjs.com", packageName: "left-pad", versions },
        { collectionURL: "https://repo.maven.apache.org/maven2", packageName: "org.acme:panel", versions },
        {
          vendor: "Red Hat",
          product: "Red Hat Enterprise Linux 6",
          collectionURL: "https://access.redhat.com/downloads/content/package-browser/",
          packageName: "xz",
          defaultStatus: "unaffected",
          cpes: ["cpe:/o:redhat:enterprise_linux:6"],
        },
      ),
    ),
    [
      "product tukaani-project:xz",
      "repository :github.com/tukaani-project/xz",
      "purl :npm/left-pad",
      "purl :maven/org.acme/panel",
      "product red-hat:red-hat-enterprise-linux-6",
      "product redhat:enterprise-linux",
    ],
  );
});

test("CVE 5: what real records hold beyond their own bounds leaves the record readable", () => {
  const odd = cve5(
    { vendor: "Acme\n", product: "Panel\t2", versions: [{ version: "before\n1.2", status: "affected" }] },
    { vendor: "Acme", product: "every product, ".repeat(30), versions: [] },
  );
  assert.deepEqual(names(odd), ["product acme:panel-2"]);
  assert.equal(odd.affected[0]!.ranges[0]!.to, "1.2");
});

test("CPE: formatted strings and URIs name the same", () => {
  const same = (uri: string, formatted: string): void =>
    assert.deepEqual(parseCpe(uri), parseCpe(formatted), uri);
  same("cpe:/a:gnu:glibc:2.39", "cpe:2.3:a:gnu:glibc:2.39:*:*:*:*:*:*:*");
  same("cpe:/a:gtk:gtk%2b:3.0:rc1", "cpe:2.3:a:gtk:gtk\\+:3.0:rc1:*:*:*:*:*:*");
  same("cpe:/o:linux:linux_kernel:-", "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*");
  same("cpe:/a:acme:mail::~~pro~wordpress~~", "cpe:2.3:a:acme:mail:*:*:*:*:*:*:*:*");
  same("cpe:/a:acme:mail:::~~pro~wordpress~~", "cpe:2.3:a:acme:mail:*:*:*:*:pro:wordpress:*:*");
  for (const text of ["cpe:/", "cpe:/a:", "cpe:/a:gnu", "cpe:/x:gnu:glibc", `cpe:/a:b:c${":".repeat(9)}`])
    assert.throws(() => parseCpe(text), { code: "malformed" }, text);
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
