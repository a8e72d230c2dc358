/** Every reader of the audit that takes bytes from outside: whatever they are, an answer or a NixsealError, at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChannelTable } from "../../src/audit/advisories/channels.ts";
import { parseCpe } from "../../src/audit/advisories/cpe.ts";
import { baseScore } from "../../src/audit/advisories/cvss.ts";
import { parseEnvelope } from "../../src/audit/advisories/feed/envelope.ts";
import { encodeMetadata, parseMetadata, type RoleName } from "../../src/audit/advisories/feed/metadata.ts";
import { formatSeen, parseSeen } from "../../src/audit/advisories/feed/seen.ts";
import { seenFile } from "../../src/audit/advisories/feed/store.ts";
import { parsePurl } from "../../src/audit/advisories/purl.ts";
import { parseEvaluation } from "../../src/audit/evaluation/answer.ts";
import { closureForm, packagesOf } from "../../src/audit/packages/read.ts";
import { jsonFeed } from "../../src/audit/round/feed.ts";
import { indexPage } from "../../src/audit/round/index-page.ts";
import { formatMemory, parseMemory, type Memory } from "../../src/audit/round/memory.ts";
import { parseTargetsFile } from "../../src/audit/round/targets-file.ts";
import { utf8 } from "../../src/core/bytes.ts";
import { NixsealError } from "../../src/core/errors.ts";
import { files } from "../../src/system/files.ts";
import { after, begin } from "../support/advisory-publisher.ts";
import { tagsLeftOpen } from "../support/reports.ts";

const patient = { timeout: 60_000 };

/** Bytes changed, lost and doubled; the parser must answer or refuse. */
function mutations(sample: string, parse: (bytes: Uint8Array) => unknown, runs = 400): void {
  const bytes = utf8(sample);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.nat(bytes.length),
      (changes, cut) => {
        const changed = new Uint8Array(bytes);
        for (const [place, byte] of changes) changed[place] = byte;
        for (const one of [
          changed,
          changed.subarray(0, cut),
          new Uint8Array([...changed, ...changed.subarray(cut)]),
        ])
          refusing(() => parse(one));
      },
    ),
    { numRuns: runs },
  );
}

function refusing(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof NixsealError, String(error));
  }
}

const digest = "0".repeat(32);
const closures = [
  `/nix/store/${digest}-vim-9.0\n/nix/store/${digest}-git-2.42\n`,
  JSON.stringify([
    { path: `/nix/store/${digest}-vim-9.0`, narHash: `sha256:${"0".repeat(52)}`, narSize: 1, references: [] },
  ]),
  JSON.stringify({
    version: 3,
    storeDir: "/nix/store",
    info: { [`${digest}-vim-9.0`]: { narHash: "sha256-AAAA", narSize: 1, references: [] } },
  }),
  JSON.stringify({
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    components: [
      {
        type: "library",
        name: "vim",
        version: "9",
        purl: "pkg:nix/vim@9",
        components: [{ name: "a", version: "1" }],
      },
    ],
  }),
  JSON.stringify({
    spdxVersion: "SPDX-2.3",
    packages: [
      {
        name: "vim",
        versionInfo: "9",
        externalRefs: [{ referenceType: "purl", referenceLocator: "pkg:nix/vim@9" }],
      },
    ],
  }),
  JSON.stringify({
    [`/nix/store/${digest}-vim-9.0.drv`]: {
      outputs: { out: { path: `/nix/store/${digest}-vim-9.0` } },
      inputSrcs: [],
      inputDrvs: {},
      system: "x",
      builder: "/b",
      args: [],
      env: { pname: "vim" },
    },
  }),
];

test("closures in every form", patient, () => {
  for (const sample of closures)
    mutations(sample, (bytes) => {
      closureForm(bytes);
      packagesOf(bytes);
    });
});

test("closures that are deep, endless or not what they begin as", patient, () => {
  const deep = (open: string, close: string): string => `${open.repeat(100_000)}1${close.repeat(100_000)}`;
  for (const text of [
    deep("[", "]"),
    deep('{"a":', "}"),
    `{"bomFormat":"CycloneDX","components":${'[{"name":"a","version":"1","components":'.repeat(5000)}[]${"}]".repeat(5000)}}`,
    `{"derivations":${deep("[", "]")}}`,
    '{"__proto__":{"bomFormat":"CycloneDX"}}',
    '{"constructor":1,"toString":2}',
    "\ufeff{}",
    "[",
    " ".repeat(1 << 20),
    `/nix/store/${digest}-${"a".repeat(1 << 20)}`,
    "SQLite format 3\0",
  ])
    refusing(() => packagesOf(utf8(text)));
  // Half a million lines are refused before anything is made of them.
  assert.throws(() => packagesOf(utf8(`/nix/store/${digest}-vim-9.0\n`.repeat(500_000))), { code: "limit" });
});

const memory: Memory = {
  targets: [
    {
      name: "one",
      target: "<b>&\"'",
      key: "k",
      at: "2026-01-01T00:00:00.000Z",
      until: "2026-01-08T00:00:00.000Z",
      failing: 1,
      stale: false,
      error: null,
      findings: [
        {
          fingerprint: "0123456789abcdef",
          id: "HST001",
          severity: "high",
          verdict: "affected",
          message: "</td><script>",
          since: "2026-01-01T00:00:00.000Z",
        },
      ],
    },
  ],
  changes: [
    {
      id: "one x",
      at: "2026-01-01T00:00:00.000Z",
      name: "one",
      title: "one: <i>1 new",
      text: "New:\n- <script>\u001b[31m",
      severity: "high",
    },
  ],
};

test("the memory of the rounds is what was written, or nothing", patient, () => {
  const bytes = formatMemory(memory);
  assert.deepEqual(parseMemory(bytes), memory);
  mutations(Buffer.from(bytes).toString("utf8"), parseMemory);
});

test("nothing in the memory becomes markup of the page, or a control character of the feed", () => {
  const page = indexPage(memory, "2026-01-02T00:00:00.000Z");
  assert.equal(
    tagsLeftOpen(page.replace(/^<!doctype html>/, "").replace(/<meta[^>]*>|<link[^>]*>|<br>/g, "")),
    "",
  );
  assert.ok(!page.includes("<script") && !page.includes("<i>") && !page.includes("\u001b"));
  assert.doesNotMatch(jsonFeed(memory.changes, "https://example.org/"), /\\u001b/);
});

test("files of targets, and what an evaluation prints", patient, () => {
  mutations(
    'address = "https://a.example/"\nfail_on = "high"\n[[target]]\nname = "a"\ntarget = "b"\nonly = ["config"]\ntoplevel = ["/nix/store/x"]\n',
    (bytes) => parseTargetsFile(bytes, "targets.toml"),
  );
  mutations(
    '[{"p":["services","x"],"v":{"t":"a","v":{"k":{"t":"l","v":[{"t":"s","v":"x"},{"t":"n","v":1}],"w":true}},"w":true}}]',
    (bytes) => parseEvaluation(Buffer.from(bytes).toString("utf8")),
  );
});

test("what a feed is made of, what was seen of it, and channel tables", patient, async (context) => {
  const { feed, client } = await begin(context);
  await client.update(feed, after(0));
  const roles: readonly RoleName[] = ["root", "timestamp", "snapshot", "targets", "critical"];
  for (const [name, bytes] of feed.files) {
    const role = roles.find((one) => name.endsWith(`${one}.json`));
    if (role === undefined) continue;
    const text = Buffer.from(bytes).toString("latin1");
    mutations(text, (changed) => parseEnvelope(changed, role), 200);
    // What is taken has one spelling only: no change of a byte goes unnoticed.
    mutations(
      Buffer.from(parseEnvelope(bytes, role).payload).toString("latin1"),
      (changed) => assert.deepEqual(encodeMetadata(parseMetadata(role, changed)), Uint8Array.from(changed)),
      200,
    );
  }
  const seen = Buffer.from(await files.read(seenFile(client.directory), { limit: 1 << 20 }));
  mutations(
    seen.toString("latin1"),
    (changed) => assert.deepEqual(formatSeen(parseSeen(changed)), Uint8Array.from(changed)),
    200,
  );
  mutations(JSON.stringify({ "nixos-26.05": ["a".repeat(40), "b".repeat(40)] }), parseChannelTable, 200);
});

test("names of the Common Platform Enumeration, package URLs and vectors", patient, () => {
  for (const cpe of ["cpe:2.3:a:gtk:gtk\\+:3.0:rc1:*:*:*:*:*:*", "cpe:/a:gtk:gtk%2b:3.0:rc1:~~~linux~~"])
    mutations(cpe, (changed) => parseCpe(Buffer.from(changed).toString("latin1")));
  mutations("pkg:npm/%40scope/name@1.0?a=b#c", (changed) =>
    parsePurl(Buffer.from(changed).toString("latin1")),
  );
  mutations("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", (changed) =>
    baseScore(Buffer.from(changed).toString("latin1")),
  );
});
