import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { areas } from "../../src/audit/checks/check.ts";
import type { Report } from "../../src/audit/report.ts";
import { auditTarget } from "../../src/audit/run.ts";
import { directoryTarget } from "../../src/audit/target/directory-target.ts";
import { files } from "../../src/system/files.ts";
import { top } from "../console.ts";
import { today } from "../support/audit.ts";

async function auditOf(name: string): Promise<Pick<Report, "findings" | "coverage">> {
  const target = await directoryTarget(files, join(top, "test/audit/fleets", name));
  return auditTarget(target, { only: areas, now: today, progress: () => undefined, vulnerabilities: null });
}

test("the bad fleet: every fault that was put in, each once, and no other", async () => {
  const { findings } = await auditOf("bad");
  const found = findings.map(({ id, verdict, file, line }) => `${id} ${verdict} ${file}:${line}`).sort();
  assert.deepEqual(found, [
    "CI001 affected .github/workflows/deploy.yml:7",
    "CI002 affected .github/workflows/deploy.yml:7",
    "CI003 affected .github/workflows/deploy.yml:2",
    "CI005 affected .github/workflows/deploy.yml:12",
    "CI005 affected .github/workflows/deploy.yml:15",
    "CI007 affected .github/workflows/deploy.yml:11",
    "CI011 affected .github/workflows/deploy.yml:13",
    "HST001 affected hosts/web.nix:48",
    "HST002 affected hosts/web.nix:49",
    "HST015 affected hosts/web.nix:58",
    "HST016 affected hosts/web.nix:61",
    "HST017 unknown hosts/web.nix:62",
    "LCK001 affected flake.lock:3",
    "LCK005 affected flake.lock:3",
    "LCK010 affected flake.nix:3",
    "NIX001 affected hosts/web.nix:27",
    "NIX003 affected hosts/web.nix:32",
    "PRV001 affected hosts/web.nix:28",
    "PRV002 affected hosts/web.nix:35",
    "PRV003 affected hosts/web.nix:36",
    "PRV005 affected hosts/web.nix:19",
    "SEC010 affected hosts/web.nix:23",
    "SEC012 affected hosts/web.nix:54",
    "SEC018 affected hosts/web.nix:55",
    "SSH001 affected hosts/web.nix:11",
    "SSH002 affected hosts/web.nix:12",
    "SSH005 unknown hosts/web.nix:13",
  ]);
});

test("the good fleet: nothing, not even unknown, and every file was read", async () => {
  const { findings, coverage } = await auditOf("good");
  assert.deepEqual(findings, []);
  assert.equal(coverage.read, 4);
  assert.equal(coverage.known, coverage.asked);
  assert.ok(coverage.asked >= 10);
});
