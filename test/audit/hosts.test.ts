/** A host without logging in: what its newest signed warrant orders. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { buildIndex } from "../../src/audit/advisories/index/build.ts";
import type { Report } from "../../src/audit/report.ts";
import { testFleet, type TestFleet } from "../support/fleet.ts";
import { before as fixedIn } from "../support/matching.ts";
import { StockNix } from "../support/stock-nix.ts";
import { canonicalJson, type Json } from "../../src/core/canonical-json.ts";
import { armorSshSig, parseArmoredSshSig } from "../../src/ssh/sshsig.ts";

const expression = `{ version }: let
  make = name: script: derivation { inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ]; };
  vim = make "vim-\${version}" "echo editor > $out";
in make "system-1" "echo \${vim} > $out"
`;

function fleetWithWarrants(context: TestContext): { fleet: TestFleet; systems: string[] } {
  const nix = new StockNix();
  context.after(() => nix.remove());
  writeFileSync(nix.path("system.nix"), expression);
  const systems = ["9.0", "9.1"].map((version) =>
    nix.text(
      "nix-build",
      "--no-out-link",
      "--option",
      "substitute",
      "false",
      "system.nix",
      "--argstr",
      "version",
      version,
    ),
  );
  const fleet = testFleet(context, "");
  Object.assign(fleet.env, {
    NIX_STORE_DIR: nix.storeDirectory,
    NIX_STATE_DIR: nix.path("state"),
    NIX_LOG_DIR: nix.path("log"),
    NIX_LOCALSTATE_DIR: nix.path("var"),
    NIX_CONF_DIR: nix.path("etc"),
  });
  writeFileSync(fleet.file("index"), buildIndex([{ ...fixedIn("vim", "vim", "9.1"), id: "CVE-2026-0002" }]));
  spawnSync("git", ["init", "-q"], { cwd: fleet.directory });
  return { fleet, systems };
}

function expect(fleet: TestFleet, code: number, ...words: string[]): string {
  const result = fleet.run(words);
  assert.equal(result.code, code, `${words.join(" ")}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

test("the newest warrant that the root accepts, of the host or of a group with it", (context) => {
  const { fleet, systems } = fleetWithWarrants(context);
  const ask = ["--index", "index", "--json"] as const;
  const subject = (host: string, code: number): string =>
    (JSON.parse(expect(fleet, code, "audit", `host:${host}`, ...ask)) as Report).vulnerabilities!.subject;
  expect(fleet, 2, "audit", "host:web", ...ask);
  assert.match(expect(fleet, 2, "audit", "host:wed", ...ask), /did you mean 'web'/);
  expect(fleet, 0, "trust", "init", "--warrant-threshold", "1", "--group", "all=web,db");
  expect(fleet, 0, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web,db", "--for", "12h");
  expect(fleet, 0, "warrant", "create", "web", "--toplevel", systems[0]!);
  assert.match(expect(fleet, 2, "audit", "host:web", ...ask), /no signed warrant/);
  expect(fleet, 0, "warrant", "sign", "warrants/web/0001.json", "--yes");
  assert.match(subject("web", 1), /^what warrants\/web\/0001\.json orders web to run since /);
  // A draft over it is no order; a signed one of the group that came later is.
  expect(fleet, 0, "warrant", "create", "web", "--toplevel", systems[1]!);
  assert.match(subject("web", 1), /0001/);
  expect(fleet, 0, "warrant", "create", "--group", "all", "--toplevel", systems[1]!);
  expect(fleet, 0, "warrant", "sign", "warrants/@all/0001.json", "--yes");
  assert.match(subject("db", 0), /@all/);
  // A signature of somebody whom the root does not know makes no order.
  expect(fleet, 0, "trust", "revoke", "alice");
  assert.match(expect(fleet, 2, "audit", "host:db", ...ask), /no signed warrant/);
});

test("waivers of a host's closure stand in the fleet, and are not called void in its repository", (context) => {
  const { fleet, systems } = fleetWithWarrants(context);
  expect(fleet, 0, "trust", "init", "--warrant-threshold", "1");
  expect(fleet, 0, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web,db", "--for", "12h");
  expect(fleet, 0, "warrant", "create", "web", "--toplevel", systems[0]!);
  expect(fleet, 0, "warrant", "sign", "warrants/web/0001.json", "--yes");
  const [finding] = (
    JSON.parse(expect(fleet, 1, "audit", "host:web", "--index", "index", "--json")) as Report
  ).findings;
  const until = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const decided = ["--until", until, "--because", "console only", "--owner", "alice"];
  expect(fleet, 0, "waive", finding!.fingerprint, "--target", "host:web", "--index", "index", ...decided);
  expect(fleet, 0, "audit", "host:web", "--index", "index");
  // The waiver of a closure is none of the repository's, and not called void there.
  const { findings } = JSON.parse(
    expect(fleet, 0, "audit", ".", "--only", "config,trust,secrets", "--fail-on", "critical", "--json"),
  ) as Report;
  assert.ok(findings.every(({ id }) => id !== "WVR002"));
});

test("its last receipt says what it runs; only its own key may say so", (context) => {
  const { fleet, systems } = fleetWithWarrants(context);
  expect(fleet, 0, "trust", "init", "--warrant-threshold", "1");
  expect(fleet, 0, "trust", "issue", "alice", "--rights", "activate", "--hosts", "web,db", "--for", "12h");
  for (const [index, system] of systems.entries()) {
    expect(fleet, 0, "warrant", "create", "web", "--toplevel", system);
    expect(fleet, 0, "warrant", "sign", `warrants/web/000${index + 1}.json`, "--yes");
  }
  const receipt = (
    name: string,
    key: string,
    more: Record<string, Json>,
    namespace = "nixseal-receipt@v1",
  ): void => {
    const said = {
      v: 1,
      fleet: "test",
      host: "web",
      running: systems[0]!,
      warrant: null,
      seq: null,
      reason: null,
      toplevel: systems[1]!,
      log: null,
      ended: "2026-06-01T12:00:00Z",
      outcome: "reverted",
      ...more,
    };
    const payload = canonicalJson(said);
    const { stdout, status } = spawnSync(
      "ssh-keygen",
      ["-q", "-Y", "sign", "-n", namespace, "-f", fleet.key(key)],
      {
        input: payload,
        encoding: "utf8",
      },
    );
    assert.equal(status, 0);
    const signature = armorSshSig(parseArmoredSshSig(stdout));
    const envelope = { payload: Buffer.from(payload).toString("base64"), signatures: [signature] };
    mkdirSync(fleet.file("receipts/web"), { recursive: true });
    fleet.write(`receipts/web/${name}.json`, `${canonicalJson(envelope)}\n`);
  };
  const ask = (code: number): string =>
    expect(fleet, code, "audit", "host:web", "--index", "index", "--json");
  const subject = (code: number): string => (JSON.parse(ask(code)) as Report).vulnerabilities!.subject;
  assert.match(subject(0), /0002\.json orders web/);
  // The second system was reverted: the first, which is vulnerable, runs.
  receipt("20260601T120000Z-2", "web", {});
  assert.match(subject(1), /^what web ran on 2026-06-01, by its receipt and warrants\/web\/0001\.json$/);
  receipt("20260602T120000Z-2", "web", { running: systems[1]! });
  assert.match(subject(0), /0002/);
  receipt("20260603T120000Z-3", "db", {});
  assert.match(ask(4), /no key of web has signed/);
  receipt("20260603T120000Z-3", "web", {}, "file");
  assert.match(ask(4), /no key of web has signed/);
  receipt("20260603T120000Z-3", "web", { host: "db" });
  assert.match(ask(4), /another host/);
  receipt("20260603T120000Z-3", "web", { running: `${fleet.env["NIX_STORE_DIR"]}/${"0".repeat(32)}-other` });
  assert.match(ask(2), /no signed warrant here is about/);
  fleet.write("receipts/web/20260604T120000Z-3.json", "{}");
  assert.match(ask(2), /20260604T120000Z-3\.json/);
});
