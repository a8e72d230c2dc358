/** One system in every form that an audit takes, made by stock Nix; the answers are compared. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join, normalize } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Advisory } from "../../src/audit/advisories/advisory.ts";
import { buildIndex } from "../../src/audit/advisories/index/build.ts";
import type { Report } from "../../src/audit/report.ts";
import { nixseal } from "../support/fleet.ts";
import { before as fixedIn } from "../support/matching.ts";
import { StockNix } from "../support/stock-nix.ts";

/** vim is vulnerable; so is tar, but a patch is applied that only its derivation shows. */
const expression = `let
  make = name: script: more: derivation ({
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ];
  } // more);
  vim = make "vim-9.0.1" "echo editor > $out" { };
  tar = make "gnutar-1.34" "echo archiver > $out" { pname = "gnutar"; version = "1.34"; patches = [ ./CVE-2026-0001.patch ]; };
  old = make "zlib-1.1" "echo nobody needs it > $out" { };
in {
  inherit old;
  system = make "system-1" "echo \${vim} \${tar} \${./motd} > $out" { };
}
`;

const advisories: Advisory[] = [
  { ...fixedIn("vim", "vim", "9.1"), id: "CVE-2026-0002" },
  { ...fixedIn("gnu", "tar", "1.35"), id: "CVE-2026-0001" },
  { ...fixedIn("zlib", "zlib", "1.3"), id: "CVE-2026-0003" },
];

suite("closures", () => {
  let nix: StockNix;
  let [system, old] = ["", ""];

  before(() => {
    nix = new StockNix();
    for (const name of ["CVE-2026-0001.patch", "motd"]) writeFileSync(nix.path(name), name);
    writeFileSync(nix.path("system.nix"), expression);
    const build = (attribute: string): string =>
      nix.text(
        "nix-build",
        "--no-out-link",
        "--option",
        "substitute",
        "false",
        "system.nix",
        "-A",
        attribute,
      );
    [system, old] = [build("system"), build("old")];
    writeFileSync(nix.path("index"), buildIndex(advisories));
  });
  after(() => nix.remove());

  function audit(target: string, ...words: string[]) {
    return auditWith({}, target, ...words);
  }

  function auditWith(more: Record<string, string>, target: string, ...words: string[]) {
    const flags = ["audit", target, "--index", nix.path("index"), ...words];
    const env = { ...nix.allEnvironment, ...more };
    const options = { cwd: nix.directory, env, encoding: "utf8", timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync(nixseal, flags, options);
    return { status, stdout, stderr };
  }

  function reportOf({ stdout, stderr }: { stdout: string; stderr: string }): Report {
    const report = JSON.parse(stdout || "{}") as Report;
    assert.ok(Array.isArray(report.findings), `${stdout}${stderr}`);
    return report;
  }

  const said = (report: Report): string[] =>
    report.findings.map(({ id, verdict, because }) => `${id} ${verdict} ${because}`);
  const byName = ["CVE-2026-0001 affected version", "CVE-2026-0002 affected version"];
  const byDerivation = ["CVE-2026-0002 affected version", "CVE-2026-0001 not-affected patch"];
  const write = (name: string, text: string): string => {
    writeFileSync(nix.path(name), text);
    return name;
  };

  test("a store path and a link to one: patches are seen, since the derivations are here", () => {
    symlinkSync(system, nix.path("result"));
    for (const target of [system, "result", "./result"]) {
      const report = reportOf(audit(target, "--json"));
      assert.deepEqual(said(report), byDerivation, target);
      assert.equal(report.vulnerabilities?.state, "current");
      assert.deepEqual(report.vulnerabilities?.coverage, { packages: 3, known: 2, percent: 66, others: 1 });
    }
    assert.equal(audit(system).status, 1);
    assert.equal(audit(system, "--fail-on", "critical").status, 0);
  });

  test("without Nix on the machine the store's database says the same", () => {
    const bin = nix.path("bin");
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    assert.deepEqual(said(reportOf(auditWith({ PATH: bin }, system, "--json"))), byDerivation);
    const { status, stdout } = auditWith({ PATH: bin, NIX_STATE_DIR: nix.path("nowhere") }, system, "--json");
    assert.equal(status, 2);
    assert.match(stdout, /not installed/);
  });

  test("the database alone, whole or below a path", () => {
    const database = nix.path("state/db/db.sqlite");
    assert.ok(said(reportOf(audit(database, "--json"))).includes("CVE-2026-0003 affected version"));
    assert.deepEqual(said(reportOf(audit(database, "--toplevel", system, "--json"))), byDerivation);
    assert.deepEqual(said(reportOf(audit(database, "--toplevel", old, "--json"))), [
      "CVE-2026-0003 affected version",
    ]);
    // Somewhere else, with nothing of the store beside it.
    mkdirSync(nix.path("sent"));
    for (const name of readdirSync(nix.path("state/db")).filter((one) => one.startsWith("db.sqlite")))
      copyFileSync(nix.path("state/db", name), nix.path("sent", name));
    const elsewhere = { NIX_STORE_DIR: "/nix/store" };
    const report = reportOf(auditWith(elsewhere, "sent/db.sqlite", "--toplevel", system, "--json"));
    assert.deepEqual(said(report), byName);
  });

  test("lists and JSON of stock Nix, from files and from stdin", () => {
    const list = write("closure.txt", nix.text("nix-store", "--query", "--requisites", system));
    assert.deepEqual(said(reportOf(audit(list, "--json"))), byName);
    const infos = nix.json("nix", "path-info", "--json", "--recursive", system) as Record<string, unknown>[];
    const version3 = {
      version: 3,
      storeDir: nix.storeDirectory,
      info: Object.fromEntries(
        infos.map(({ path, references, ...rest }) => [
          basename(path as string),
          {
            ...rest,
            narHash: sri(rest["narHash"] as string),
            references: (references as string[]).map((one) => basename(one)),
            deriver: null,
            ca: null,
          },
        ]),
      ),
    };
    const forms = {
      list: infos,
      map: Object.fromEntries(infos.map(({ path, ...rest }) => [path as string, rest])),
      version3,
    };
    for (const [form, value] of Object.entries(forms))
      assert.deepEqual(
        said(reportOf(audit(write(`${form}.json`, JSON.stringify(value)), "--json"))),
        byName,
        form,
      );
    const shown = nix.text("nix", "show-derivation", "--recursive", system);
    assert.deepEqual(said(reportOf(audit(write("derivations.json", shown), "--json"))), byDerivation);
    const { stdout } = spawnSync(nixseal, ["audit", "-", "--index", nix.path("index"), "--json"], {
      cwd: nix.directory,
      input: nix.text("nix-store", "--query", "--requisites", system),
      encoding: "utf8",
    });
    assert.deepEqual(said(JSON.parse(stdout) as Report), byName);
  });

  test("a directory of derivations; one with Nix files beside them is a repository", () => {
    mkdirSync(nix.path("drvs"));
    for (const path of nix
      .text("nix-store", "--query", "--requisites", nix.text("nix-store", "--query", "--deriver", system))
      .split("\n"))
      if (path.endsWith(".drv")) copyFileSync(path, nix.path("drvs", basename(path)));
    assert.deepEqual(said(reportOf(audit("drvs", "--json"))), byDerivation);
    writeFileSync(nix.path("drvs/x.nix"), "{ networking.firewall.enable = false; }");
    assert.deepEqual(
      reportOf(audit("drvs", "--json")).findings.map(({ id }) => id),
      ["HST001"],
    );
  });

  test("bills of materials", () => {
    const component = (name: string, version: string) => ({
      type: "library",
      name,
      version,
      purl: `pkg:nix/${name}@${version}`,
    });
    const cyclonedx = {
      components: [component("vim", "9.0.1"), component("gnutar", "1.34")],
      specVersion: "1.6",
      bomFormat: "CycloneDX",
    };
    assert.deepEqual(said(reportOf(audit(write("bom.json", JSON.stringify(cyclonedx)), "--json"))), byName);
    const spdx = {
      packages: [
        { name: "vim", versionInfo: "9.0.1" },
        { name: "gnutar", versionInfo: "1.34" },
      ],
      spdxVersion: "SPDX-2.3",
    };
    assert.deepEqual(said(reportOf(audit(write("spdx.json", JSON.stringify(spdx)), "--json"))), byName);
    // What is only JSON is looked at as any file of a repository.
    assert.deepEqual(reportOf(audit(write("other.json", '{"a":1}'), "--json")).coverage.files, 1);
  });

  test("a binary cache: a directory, over HTTP, by a narinfo's address; what is missing is said", async () => {
    const cache = nix.path("cache");
    nix.run("nix", ["copy", "--to", `file://${cache}`, system, old]);
    const elsewhere = { NIX_STORE_DIR: "/nix/store" };
    const below = ["--toplevel", system, "--json"] as const;
    assert.deepEqual(said(reportOf(auditWith(elsewhere, cache, ...below))), byName);
    assert.deepEqual(said(reportOf(auditWith(elsewhere, system, "--cache", cache, "--json"))), byName);
    assert.deepEqual(
      said(reportOf(auditWith(elsewhere, system, "--cache", `file://${cache}`, "--json"))),
      byName,
    );
    assert.equal(reportOf(auditWith(elsewhere, cache, "--json")).findings.length, 3, "all that is in it");
    // The derivations of this machine's own store say more than the cache.
    assert.deepEqual(said(reportOf(audit(cache, ...below))), byDerivation);

    const server = createServer((request, response) => {
      const file = join(cache, normalize(request.url!));
      if (!existsSync(file)) response.writeHead(404).end();
      else response.end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const digest = basename(system).slice(0, 32);
      const run = (...words: string[]) =>
        aside(["audit", ...words, "--index", nix.path("index"), "--json"], elsewhere);
      assert.deepEqual(said(reportOf(await run(`${address}/${digest}.narinfo`))), byName);
      assert.deepEqual(said(reportOf(await run(system, "--cache", address))), byName);
      const nothing = await run(`${address}/${"0".repeat(32)}.narinfo`);
      assert.equal(nothing.status, 2, nothing.stdout);
      assert.match((await run("--cache", address)).stdout, /does not say what it has/);
      const vim = nix
        .text("nix-store", "--query", "--requisites", system)
        .split("\n")
        .find((path) => path.includes("-vim-"))!;
      const narinfo = join(cache, `${basename(vim).slice(0, 32)}.narinfo`);
      const kept = readFileSync(narinfo);
      spawnSync("rm", [narinfo]);
      const cut = reportOf(await run(system, "--cache", address));
      assert.deepEqual(said(cut), byName, "its name still tells what it is");
      assert.deepEqual(
        cut.coverage.leftOut.map(({ file }) => file),
        [vim],
      );
      // A cache that answers for another path leads nowhere.
      writeFileSync(narinfo, readFileSync(join(cache, `${digest}.narinfo`)));
      assert.match((await run(system, "--cache", address)).stdout, /the narinfo is about/);
      writeFileSync(narinfo, kept);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  async function aside(words: readonly string[], more: Record<string, string>) {
    const child = spawn(nixseal, words, {
      cwd: nix.directory,
      env: { ...nix.allEnvironment, ...more },
      timeout: 60_000,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (piece: Buffer) => (stdout += piece.toString()));
    child.stderr.on("data", (piece: Buffer) => (stderr += piece.toString()));
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { status, stdout, stderr };
  }

  test("waivers are bound to what they waive", () => {
    const first = reportOf(audit(system, "--json")).findings[0]!;
    const waived = spawnSync(
      nixseal,
      [
        "waive",
        first.fingerprint,
        "--target",
        system,
        "--index",
        nix.path("index"),
        "--until",
        tomorrow(),
        "--because",
        "no network",
        "--owner",
        "alice",
      ],
      { cwd: nix.directory, env: nix.allEnvironment, encoding: "utf8" },
    );
    assert.equal(waived.status, 0, waived.stderr);
    assert.match(readFileSync(nix.path("audit-waivers.toml"), "utf8"), /file = "vim 9\.0\.1"/);
    const report = reportOf(audit(system, "--json"));
    assert.deepEqual(said(report), ["CVE-2026-0001 not-affected patch"]);
    assert.deepEqual(
      report.waived.map(({ id, waiver }) => [id, waiver.owner]),
      [["CVE-2026-0002", "alice"]],
    );
    assert.equal(audit(system).status, 0);
    // Another version, or an advisory that became worse, is another decision.
    const list = (version: string): string =>
      write("one.txt", `/nix/store/${"0".repeat(32)}-vim-${version}\n`);
    assert.equal(audit(list("9.0.1")).status, 0);
    assert.equal(audit(list("9.0.2")).status, 1);
    const worse: Advisory = { ...advisories[0]!, exploited: "2026-05-01" };
    writeFileSync(nix.path("worse"), buildIndex([worse]));
    const now = spawnSync(nixseal, ["audit", list("9.0.1"), "--index", "worse", "--json"], {
      cwd: nix.directory,
      env: nix.allEnvironment,
      encoding: "utf8",
    });
    assert.equal(now.status, 1, now.stdout);
    // A file of waivers that was named must be there, and one that is wrong waives nothing.
    assert.equal(audit(list("9.0.1"), "--waivers", "nowhere.toml").status, 2);
    const broken = reportOf(
      audit(list("9.0.1"), "--waivers", write("broken.toml", "[[waiver]]\n"), "--json"),
    );
    assert.deepEqual(broken.findings.map(({ id }) => id).sort(), ["AUD002", "CVE-2026-0002"]);
    spawnSync("rm", [nix.path("audit-waivers.toml")]);
  });

  test("the wrong question", () => {
    assert.match(audit(system, "--only", "config").stderr, /has no files/);
    assert.match(
      audit(`${nix.storeDirectory}/${"0".repeat(32)}-nowhere`).stderr,
      /not valid|does not know|not-found|no such/,
    );
    const { status, stderr } = spawnSync(nixseal, ["audit", system], {
      cwd: nix.directory,
      env: nix.allEnvironment,
      encoding: "utf8",
    });
    assert.equal(status, 2, "no advisories is no all-clear");
    assert.match(stderr, /advisories update/);
  });
});

function sri(hash: string): string {
  const digest = hash.replace(/^sha256[:-]/, "");
  return digest.length === 44
    ? `sha256-${digest}`
    : `sha256-${Buffer.from(nix32Bytes(digest)).toString("base64")}`;
}

function nix32Bytes(text: string): Uint8Array {
  const digits = "0123456789abcdfghijklmnpqrsvwxyz";
  const bytes = new Uint8Array(32);
  for (let index = 0; index < text.length; index++) {
    const value = digits.indexOf(text[text.length - 1 - index]!);
    const bit = index * 5;
    bytes[bit >> 3]! |= (value << (bit & 7)) & 0xff;
    if ((bit & 7) > 3 && (bit >> 3) + 1 < 32) bytes[(bit >> 3) + 1]! |= value >> (8 - (bit & 7));
  }
  return bytes;
}

function tomorrow(): string {
  return new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
}
