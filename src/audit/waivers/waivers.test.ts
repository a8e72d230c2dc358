import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NixsealError } from "../../core/errors.ts";
import { findingsIn, reportOf, today } from "../../../test/support/audit.ts";
import { isDay, parseWaivers } from "./waivers-file.ts";

const module = (value: string, before = ""): string =>
  `${before}{ services.openssh.settings.PermitRootLogin = ${value}; }`;

function waiver(finding: string, more: Readonly<Record<string, string>> = {}): string {
  const fields = {
    finding,
    check: "SSH001",
    file: "x.nix",
    owner: "alice",
    until: "2026-12-31",
    because: "console only",
    ...more,
  };
  return `[[waiver]]\n${Object.entries(fields)
    .map(([key, value]) => `${key} = "${value}"\n`)
    .join("")}`;
}

async function fingerprintOf(source: string): Promise<string> {
  return (await findingsIn({ "x.nix": source }))[0]!.fingerprint;
}

test("a waived finding does not count, and is reported with its reason", async () => {
  const fingerprint = await fingerprintOf(module('"yes"'));
  const { findings, waived } = await reportOf({
    "x.nix": module('"yes"'),
    "audit-waivers.toml": waiver(fingerprint),
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(
    waived.map(({ id, waiver: { owner, because } }) => [id, owner, because]),
    [["SSH001", "alice", "console only"]],
  );
});

test("a waiver holds when lines move, and is void when what it waives changes", async () => {
  const fingerprint = await fingerprintOf(module('"yes"'));
  assert.equal(await fingerprintOf(module('"yes"', "\n# a comment\n\n")), fingerprint);
  const changed = await reportOf({
    "x.nix": module("lib.mkForce true"),
    "audit-waivers.toml": waiver(fingerprint),
  });
  assert.deepEqual(
    changed.findings.map(({ id, severity }) => [id, severity]),
    [
      ["SSH001", "high"],
      ["WVR002", "info"],
    ],
  );
  const elsewhere = await reportOf({ "y.nix": module('"yes"'), "audit-waivers.toml": waiver(fingerprint) });
  assert.deepEqual(
    elsewhere.findings.map(({ id }) => id),
    ["SSH001", "WVR002"],
  );
});

test("a list that grows, also on another line, makes its waiver void; so does a second fault of the same text", async () => {
  const list = (users: string): string => `{\n  nix.settings.trusted-users = [\n${users}  ];\n}\n`;
  const one = await fingerprintOf(list('    "bob"\n'));
  assert.notEqual(await fingerprintOf(list('    "bob"\n    "eve"\n')), one);
  const twice = await findingsIn({ "x.nix": `{ a = ${module('"yes"')};\n b = ${module('"yes"')}; }` });
  assert.equal(new Set(twice.map(({ fingerprint }) => fingerprint)).size, 2);
});

test("a waiver of a file that cannot be read is for its content, whatever the fault is called", async () => {
  const tree = { "x.nix": "{ a = 1 # console" };
  const [found] = await findingsIn(tree);
  assert.equal(found!.id, "AUD002");
  const text = waiver(found!.fingerprint, { check: "AUD002" });
  assert.deepEqual(await findingsIn({ ...tree, "audit-waivers.toml": text }), []);
  const other = await findingsIn({ "x.nix": "{ a = 1 # anything", "audit-waivers.toml": text });
  assert.ok(other.some((finding) => finding.id === "AUD002"));
});

test("an expired waiver waives nothing and is said; its last day counts", async () => {
  const fingerprint = await fingerprintOf(module('"yes"'));
  const at = async (day: string): Promise<string[]> =>
    (
      await reportOf(
        { "x.nix": module('"yes"'), "audit-waivers.toml": waiver(fingerprint, { until: "2026-06-01" }) },
        new Date(day),
      )
    ).findings.map(({ id }) => id);
  assert.deepEqual(await at("2026-06-01T23:59:59Z"), []);
  assert.deepEqual(await at("2026-06-02T00:00:00Z"), ["SSH001", "WVR001"]);
});

test("a waivers file that is wrong waives nothing", async () => {
  const fingerprint = await fingerprintOf(module('"yes"'));
  for (const text of [
    "[[waiver]",
    waiver(fingerprint, { extra: "x" }),
    waiver(fingerprint).replace(/owner.*\n/, ""),
    waiver(fingerprint, { until: "2026-02-31" }),
    `waivers = []\n${waiver(fingerprint)}`,
    waiver("abc"),
    "\u0000",
  ]) {
    const { findings, waived } = await reportOf({ "x.nix": module('"yes"'), "audit-waivers.toml": text });
    assert.deepEqual(waived, [], text);
    assert.ok(
      findings.some(({ id }) => id === "SSH001") &&
        findings.some(({ id, file }) => id === "AUD002" && file === "audit-waivers.toml"),
      text,
    );
  }
});

test("waivers are read strictly, and nothing but a NixsealError comes of any bytes", () => {
  const [one] = parseWaivers(
    Buffer.from(`\n\n${waiver("0123456789abcdef").replace('"2026-12-31"', "2026-12-31")}`),
  );
  assert.deepEqual([one?.until, one?.line], ["2026-12-31", 3]);
  const valid = Buffer.from(waiver("0123456789abcdef"));
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), (place, byte) => {
      const bytes = Buffer.from(valid);
      bytes[place] = byte;
      try {
        parseWaivers(bytes);
      } catch (error) {
        assert.ok(error instanceof NixsealError);
      }
    }),
    { numRuns: 400 },
  );
});

test("days", () => {
  for (const day of ["2026-01-31", "2028-02-29"]) assert.ok(isDay(day));
  for (const day of ["2026-02-29", "2026-1-1", "26-01-01", "2026-13-01", "never", "2026-01-01T00:00:00Z"])
    assert.ok(!isDay(day), day);
  assert.ok(today.toISOString().startsWith("2026-06-01"));
});
