import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Report } from "../../src/audit/report.ts";
import { top } from "../console.ts";
import { nixseal } from "../support/fleet.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function audit(directory: string, ...words: readonly string[]): Result {
  const temporary = join(directory, "../tmp");
  mkdirSync(temporary, { recursive: true });
  const env = {
    PATH: process.env["PATH"],
    HOME: directory,
    LANG: "C.UTF-8",
    TMPDIR: temporary,
    USER: "alice",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const { status, stdout, stderr } = spawnSync(nixseal, ["audit", ...words], {
    cwd: directory,
    env,
    encoding: "utf8",
    timeout: 120_000,
    maxBuffer: 1 << 26,
  });
  assert.deepEqual(readdirSync(temporary), [], "a clone was left behind");
  return { code: status, stdout, stderr };
}

function reportIn(directory: string, ...words: readonly string[]): Report {
  const { stdout, stderr } = audit(directory, ...words, "--json");
  try {
    return JSON.parse(stdout) as Report;
  } catch {
    throw new Error(`no report: ${stdout}${stderr}`);
  }
}

function workspace(context: TestContext, fleet?: "bad" | "good"): string {
  const directory = join(temporaryDirectory(context), "work");
  if (fleet === undefined) mkdirSync(directory);
  else cpSync(join(top, "test/audit/fleets", fleet), directory, { recursive: true });
  return directory;
}

function git(directory: string, ...args: readonly string[]): void {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
  const { status, stderr } = spawnSync("git", [...identity, ...args], {
    cwd: directory,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: directory },
  });
  assert.equal(status, 0, stderr);
}

test("exit codes: 1 with findings at or above --fail-on, 0 without, 2 for what is wrong with the question", (context) => {
  const directory = workspace(context);
  writeFileSync(
    join(directory, "x.nix"),
    "{ services.openssh.settings.X11Forwarding = true; networking.firewall.enable = x; }",
  );
  assert.equal(audit(directory).code, 1);
  assert.equal(audit(directory, "--fail-on", "medium").code, 0);
  assert.equal(audit(directory, "--only", "secrets").code, 0);
  assert.equal(audit(directory, "missing").code, 2);
  assert.match(audit(directory, "--only", "secret").stderr, /did you mean 'secrets'/);
  writeFileSync(join(directory, "x.nix"), "{ networking.firewall.enable = x; }");
  assert.equal(audit(directory).code, 0, "what is not known fails no audit by itself");
  assert.equal(audit(directory, "--fail-on", "info").code, 1);
});

test("--format json is what --json prints, and --out writes the report whole", (context) => {
  const directory = workspace(context, "bad");
  const report = reportIn(directory, ".");
  const printed = JSON.parse(audit(directory, "--format", "json").stdout) as { at: string };
  assert.deepEqual({ ...printed, at: report.at }, report);
  for (const format of ["text", "json", "sarif", "junit", "html"]) {
    const { code, stdout } = audit(directory, "--format", format, "--out", `../report.${format}`);
    assert.deepEqual([code, stdout.split("\n").length], [1, 2]);
    assert.ok(readFileSync(join(directory, `../report.${format}`), "utf8").length > 2000);
  }
  for (const { file, line, verdict, fingerprint } of report.findings)
    assert.ok(
      file !== undefined &&
        existsSync(join(directory, file)) &&
        line! >= 1 &&
        verdict !== "not-affected" &&
        fingerprint.length === 16,
    );
});

test("areas: secrets alone, trust alone, a comma list; together they are all", (context) => {
  const directory = workspace(context, "bad");
  const ids = (...words: string[]): Set<string> =>
    new Set(reportIn(directory, ...words).findings.map(({ id }) => id));
  assert.deepEqual(
    [...ids("--only", "secrets")].filter((id) => !/^(?:SEC|CI005|NIX012)/.test(id)),
    [],
  );
  assert.ok(ids("--only", "trust").has("NIX001") && !ids("--only", "trust").has("SSH001"));
  assert.deepEqual(ids("--only", "config,secrets,trust"), ids());
});

test("a fleet: what 'fleet check' and 'secrets check' say is part of it", (context) => {
  const directory = workspace(context);
  mkdirSync(join(directory, "secrets"));
  writeFileSync(
    join(directory, "fleet.toml"),
    '[hosts.web]\nrecipients = ["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"]\nidentities = ["/key"]\n[secrets.a]\nhosts = ["web"]\n',
  );
  writeFileSync(join(directory, "secrets/a.age"), "not encrypted\n");
  const of = (only: string): string[] => reportIn(directory, "--only", only).findings.map(({ id }) => id);
  assert.ok(of("secrets").includes("plaintext"), String(of("secrets")));
  writeFileSync(join(directory, "fleet.toml"), "[hosts.web\n");
  assert.ok(
    reportIn(directory, "--only", "trust").findings.some(
      ({ file, severity }) => file === "fleet.toml" && severity === "high",
    ),
  );
  assert.equal(audit(directory, "--only", "secrets").code, 1);
});

test("one file: a lock file without its flake, a module alone", (context) => {
  const directory = workspace(context, "bad");
  const { findings } = reportIn(directory, "flake.lock");
  assert.deepEqual(
    findings.map(({ id, file }) => [id, file]),
    [
      ["LCK005", "flake.lock"],
      ["LCK001", "flake.lock"],
    ],
  );
  assert.ok(reportIn(directory, "hosts/web.nix").findings.every(({ file }) => file === "web.nix"));
});

test("a bare repository and its address: the same findings as in the directory, nothing of theirs is run", (context) => {
  const directory = workspace(context, "bad");
  symlinkSync("/etc/passwd", join(directory, "out"));
  git(directory, "init", "-q");
  git(directory, "add", "-A");
  git(directory, "commit", "-q", "-m", "x");
  git(directory, "clone", "-q", "--bare", ".", "../bare.git");
  const bare = join(directory, "../bare.git");
  // Whatever the repository's own settings would start must not start.
  const trap = join(directory, "../trapped");
  const script = `#!/bin/sh\ntouch ${trap}\n`;
  for (const hook of ["post-checkout", "post-upload-pack", "reference-transaction", "pre-auto-gc"])
    writeFileSync(join(bare, "hooks", hook), script, { mode: 0o755 });
  writeFileSync(join(directory, "../trap.sh"), script, { mode: 0o755 });
  for (const setting of [
    "core.fsmonitor",
    "core.sshCommand",
    "uploadpack.packObjectsHook",
    "filter.x.smudge",
    "core.pager",
    "core.alternateRefsCommand",
  ])
    git(bare, "config", setting, join(directory, "../trap.sh"));
  const expected = reportIn(directory).findings;
  assert.ok(expected.some(({ id }) => id === "GIT004"));
  assert.deepEqual(reportIn(directory, "../bare.git").findings, expected);
  assert.deepEqual(reportIn(directory, `file://${bare}`).findings, expected);
  assert.ok(!existsSync(trap));
});

test("addresses that are refused, and repositories that are not there", (context) => {
  const directory = workspace(context);
  for (const address of [
    "http://example.org/x.git",
    "git://example.org/x",
    "ext::sh -c true",
    "git+http://example.org/x",
  ])
    assert.equal(audit(directory, address).code, 4, address);
  assert.equal(audit(directory, `file://${directory}/missing.git`).code, 2);
  for (const name of ["host:web", "--", "-x"])
    assert.equal(audit(directory, name).code === 0 && name !== "--", false);
});

test("what nobody could look into is a finding, and a file that says nothing is no target", (context) => {
  const directory = workspace(context);
  const root = '{ services.openssh.settings.PermitRootLogin = "yes"; }';
  const bytes = (...names: readonly string[]): Buffer =>
    Buffer.concat([directory, ...names].map((name) => Buffer.from(`${name}/`, "latin1"))).subarray(0, -1);
  mkdirSync(bytes("work", "d\xff"), { recursive: true });
  writeFileSync(bytes("work", "d\xff", "x.nix"), root);
  writeFileSync(bytes("work", "a\xfe.nix"), root);
  writeFileSync(bytes("work", "a\xff.nix"), root);
  mkdirSync(join(directory, "work/node_modules"));
  const { findings, coverage } = reportIn(directory, "work");
  assert.deepEqual(
    findings.map(({ id }) => id),
    ["AUD002", "AUD002", "AUD002"],
  );
  assert.ok(coverage.leftOut.some(({ file }) => file === "node_modules"));
  git(join(directory, "work"), "init", "--quiet");
  git(join(directory, "work"), "add", "--all", ".");
  git(join(directory, "work"), "commit", "--quiet", "--message", "x");
  // Names that read the same are one name for whoever reads the report: the second is not passed over in silence.
  const committed = reportIn(directory, "work/.git").findings.map(({ id, file }) => `${id} ${file}`);
  assert.deepEqual(committed, ["SSH001 a\ufffd.nix", "SSH001 d\ufffd/x.nix", "AUD002 a\ufffd.nix"]);
  for (const text of ["", "\n", "{}", "[ ]\n"]) {
    writeFileSync(join(directory, "empty.json"), text);
    const { code, stderr } = audit(directory, "empty.json");
    assert.equal(code, 2, JSON.stringify(text));
    assert.match(stderr, /nothing to audit/);
  }
  writeFileSync(join(directory, "flake.lock"), '{"version":7,"nodes":{');
  assert.equal(audit(directory, "flake.lock", "--only", "vulnerabilities").code, 2);
});

test("a hostile repository is audited within bounds, and what was left out is said", (context) => {
  const directory = workspace(context);
  symlinkSync(".", join(directory, "loop"));
  symlinkSync("b", join(directory, "a"));
  symlinkSync("a", join(directory, "b"));
  symlinkSync("/dev/zero", join(directory, "zero.nix"));
  spawnSync("mkfifo", [join(directory, "pipe.nix")]);
  writeFileSync(join(directory, "large.nix"), "");
  truncateSync(join(directory, "large.nix"), 100 << 20);
  let deep = join(directory, "deep");
  for (let level = 0; level < 80; level++) deep = join(deep, "d");
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "x.nix"), "1");
  writeFileSync(join(directory, "nested.nix"), `${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  writeFileSync(
    join(directory, "\u001b]0;owned\u0007\u001b[2J.nix"),
    "{ networking.firewall.enable = false; }",
  );
  writeFileSync(join(directory, "line\nbreak.nix"), "{ networking.firewall.enable = false; }");
  writeFileSync(join(directory, "broken.nix"), "{ a = ");
  mkdirSync(join(directory, ".github/workflows"), { recursive: true });
  writeFileSync(
    join(directory, ".github/workflows/bomb.yml"),
    `a0: &a0 [x]\n${Array.from({ length: 40 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]\n`).join("")}`,
  );
  writeFileSync(join(directory, ".github/workflows/deep.yml"), `a: ${"[".repeat(50_000)}`);
  writeFileSync(join(directory, ".github/workflows/dashes.yml"), "- ".repeat(50_000));
  writeFileSync(join(directory, "flake.lock"), `{"version":7,"nodes":${"[".repeat(50_000)}`);
  const { findings, coverage } = reportIn(directory);
  const about = (file: string): string[] =>
    findings.filter((finding) => finding.file === file).map(({ id }) => id);
  for (const file of [
    "large.nix",
    "nested.nix",
    "broken.nix",
    ".github/workflows/bomb.yml",
    ".github/workflows/deep.yml",
    ".github/workflows/dashes.yml",
    "flake.lock",
  ])
    assert.deepEqual(about(file), ["AUD002"], file);
  assert.ok(findings.some(({ id }) => id === "AUD001"));
  assert.ok(
    coverage.leftOut.some(({ file }) => file === "pipe.nix") &&
      coverage.leftOut.some(({ file }) => file.startsWith("deep/")),
  );
  assert.ok(about("zero.nix").includes("GIT004"));
  const { stdout, stderr, code } = audit(directory);
  assert.equal(code, 1);
  // oxlint-disable-next-line no-control-regex -- the terminal would obey them
  assert.doesNotMatch(`${stdout}${stderr}`, /[\u0000-\u0009\u000b-\u001f\u007f]/);
  assert.match(stdout, /\\x1b\]0;owned/);
});
