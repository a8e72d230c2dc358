import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../core/bytes.ts";
import { Collection } from "./collection.ts";
import { severityOf, type Advisory } from "./advisory.ts";
import { toCsaf } from "./export/csaf.ts";
import { toOpenVex } from "./export/openvex.ts";
import { toOsv } from "./export/osv.ts";
import { importers, type ImportKind } from "./import/importers.ts";
import { parsed } from "../../../test/support/advisory-records.ts";

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
