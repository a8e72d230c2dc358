/** Flakes that stock Nix evaluates, sound and hostile ones. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Report } from "../../src/audit/report.ts";
import { optionsExpression } from "../../src/audit/evaluation/expression.ts";
import { parseEvaluation } from "../../src/audit/evaluation/answer.ts";
import { nixseal } from "../support/fleet.ts";
import { temporaryDirectory } from "../support/temporary.ts";

function run(program: string, args: readonly string[], cwd: string, more: Record<string, string> = {}) {
  const env = { PATH: process.env["PATH"], HOME: cwd, LANG: "C.UTF-8", GIT_CONFIG_NOSYSTEM: "1", ...more };
  return spawnSync(program, args, { cwd, env, encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 26 });
}

/** A committed flake; gives what an audit of it says. */
function audited(context: TestContext, files: Readonly<Record<string, string>>, ...words: string[]) {
  const base = temporaryDirectory(context);
  const directory = join(base, "flake");
  const temporary = join(base, "tmp");
  for (const name of [directory, temporary]) mkdirSync(name);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  run("git", ["init", "-q"], directory);
  run("git", ["add", "-A"], directory);
  run("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "x"], directory);
  const flags = [
    "audit",
    ...words,
    "--evaluate",
    "--store",
    join(base, "store"),
    "--only",
    "config",
    "--json",
  ];
  const { status, stdout, stderr } = run(nixseal, flags, directory, {
    TMPDIR: temporary,
    NIXSEAL_TEST_VALUE: "leaked-from-the-environment",
  });
  assert.deepEqual(readdirSync(temporary), [], "something was left behind");
  return { status, stdout, stderr, base, directory };
}

function reportOf({ stdout, stderr }: { stdout: string; stderr: string }): Report {
  try {
    const report = JSON.parse(stdout) as Report;
    assert.ok(Array.isArray(report.findings));
    return report;
  } catch {
    throw new Error(`no report: ${stdout}${stderr}`);
  }
}

const said = ({ findings }: Report): string[] =>
  findings.map(({ id, verdict, file, line }) => `${id} ${verdict} ${file}:${line ?? ""}`);

test("what the source leaves open is answered, in its place; what modules from elsewhere set is found", (context) => {
  const module = `{ on, ... }: {
  services.openssh.settings.X11Forwarding = on;
  networking.firewall.enable = !on;
}
`;
  const flake = (on: string): string => `{
  outputs = _: {
    nixosConfigurations.web.config = import ./made.nix ${on};
  };
}
`;
  const made = `on: let module = import ./host.nix { inherit on; }; in module // builtins.fromJSON ''
  { "services": { "openssh": { "enable": true, "settings": { "X11Forwarding": \${builtins.toJSON on}, "PermitRootLogin": "yes" } } } }''
`;
  const bad = reportOf(
    audited(context, { "flake.nix": flake("true"), "host.nix": module, "made.nix": made }),
  );
  assert.deepEqual(said(bad), [
    "SSH001 affected flake.nix:",
    "HST001 affected host.nix:3",
    "SSH005 affected host.nix:2",
  ]);
  assert.match(bad.findings[0]!.message, /\(host web\)$/);
  assert.match(bad.findings[1]!.evidence!, /evaluated: .*web/);
  const good = reportOf(
    audited(context, { "flake.nix": flake("false"), "host.nix": module, "made.nix": made }),
  );
  assert.deepEqual(said(good), ["SSH001 affected flake.nix:"]);
});

test("what the whole lacks: encryption, secure boot and AppArmor by what comes out, not by what is written", (context) => {
  const flake = (
    apparmor: boolean,
  ): string => `{ outputs = _: { nixosConfigurations.web.config = builtins.fromJSON ''
    { "security": { "apparmor": { "enable": ${apparmor} } },
      "boot": { "lanzaboote": { "enable": true }, "loader": { "grub": { "enable": true } }, "initrd": { "luks": { "devices": { "root": { "device": "/dev/sda2" } } } } },
      "fileSystems": { "/": { "device": "/dev/disk/by-uuid/x", "fsType": "ext4" } } }'';
  }; }
`;
  const host = `{ system.stateVersion = "26.05"; boot.loader.systemd-boot.enable = true; fileSystems."/".device = "/dev/sda2"; }`;
  const of = (apparmor: boolean): string[] =>
    said(reportOf(audited(context, { "flake.nix": flake(apparmor), "host.nix": host })));
  assert.deepEqual(of(true), []);
  assert.deepEqual(of(false), ["HST017 affected host.nix:1"]);
  const without = {
    "flake.nix": "{ outputs = _: { nixosConfigurations.web.config.boot = { }; }; }",
    "host.nix": host,
  };
  assert.deepEqual(said(reportOf(audited(context, without))).sort(), [
    "HST015 affected host.nix:1",
    "HST016 affected host.nix:1",
    "HST017 unknown host.nix:1",
  ]);
});

test("a host that cannot be evaluated is unknown, and leaves open what only it could answer", (context) => {
  const flake = `{ outputs = _: { nixosConfigurations = {
    good.config.networking.firewall.enable = true;
    throws.config = throw "not today";
    aborts.config.networking.firewall.enable = abort "no";
    lazy.config.networking.firewall.enable = throw "later";
  }; }; }
`;
  const report = reportOf(
    audited(context, { "flake.nix": flake, "host.nix": "{ on, ... }: { networking.firewall.enable = on; }" }),
  );
  const hosts = report.findings.filter(({ id }) => id === "AUD003");
  assert.deepEqual(hosts.map(({ verdict, message }) => `${verdict} ${message}`).sort(), [
    "unknown host aborts could not be evaluated",
    "unknown host throws could not be evaluated",
  ]);
  assert.ok(
    report.findings.some(
      ({ id, verdict, file }) => id === "HST001" && verdict === "unknown" && file === "host.nix",
    ),
  );
});

test("a service that is off says nothing by its settings; no secret is in the report", (context) => {
  const flake = `{ outputs = _: { nixosConfigurations.web.config = builtins.fromJSON ''
    { "services": { "openssh": { "enable": false, "settings": { "PermitRootLogin": "yes" } } },
      "users": { "users": { "alice": { "password": "correct horse" } } } }'';
  }; }
`;
  const { stdout } = audited(context, { "flake.nix": flake });
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(said(report), ["SEC010 affected flake.nix:"]);
  // The flake's own text is not quoted, and neither is what came of it.
  assert.doesNotMatch(stdout, /correct horse/);
});

test("hostile flakes: no file, no variable, no program, no address, no build", (context) => {
  const tried: Readonly<Record<string, string>> = {
    file: "builtins.readFile /etc/passwd",
    directory: 'builtins.concatStringsSep " " (builtins.attrNames (builtins.readDir /etc))',
    variable: 'builtins.getEnv "NIXSEAL_TEST_VALUE"',
    program: 'builtins.exec [ "touch" "TRAP" ]',
    address: 'builtins.readFile (builtins.fetchurl "file:///etc/passwd")',
    hashed:
      'builtins.readFile (builtins.fetchurl { url = "http://127.0.0.1:PORT/x"; sha256 = "0000000000000000000000000000000000000000000000000000"; })',
    repository: 'builtins.readFile "${builtins.fetchGit "/etc"}/passwd"',
    build:
      'builtins.readFile (derivation { name = "x"; system = builtins.currentSystem or "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "touch TRAP; echo yes > $out" ]; })',
    plugin: 'builtins.importNative "/lib/x86_64-linux-gnu/libc.so.6" "puts"',
    recursion: "let f = x: f x + 1; in toString (f 1)",
    store: 'builtins.readFile (builtins.storePath "/nix/store/00000000000000000000000000000000-x")',
  };
  const configurations = Object.entries(tried).map(
    ([name, code]) =>
      `${name}.config.services.openssh.settings.PermitRootLogin = ${code.replaceAll("TRAP", "/tmp/nixseal-trapped")};`,
  );
  const flake = `{
  nixConfig = { allow-unsafe-native-code-during-evaluation = true; pure-eval = false; restrict-eval = false; post-build-hook = "/bin/true"; };
  outputs = _: { nixosConfigurations = { ${configurations.join("\n    ")} }; };
}
`;
  const { stdout, stderr } = audited(context, { "flake.nix": flake });
  assert.doesNotMatch(stdout, /root:x:|leaked-from-the-environment|resolv\.conf/);
  assert.ok(!existsSync("/tmp/nixseal-trapped"));
  const report = reportOf({ stdout, stderr });
  const failed = report.findings
    .filter(({ id }) => id === "AUD003")
    .map(({ message }) => message.split(" ")[1]);
  // An unset variable is what purity makes of it: the empty string, which is no setting of sshd.
  assert.deepEqual(
    failed.map(String).sort(),
    Object.keys(tried)
      .filter((name) => name !== "variable")
      .sort(),
  );
});

test("only what is committed, and only a flake", (context) => {
  const { directory, base, status } = audited(context, { "flake.nix": "{ outputs = _: { }; }" });
  assert.equal(status, 0);
  writeFileSync(
    join(directory, "flake.nix"),
    "{ outputs = _: { nixosConfigurations.a.config.networking.firewall.enable = false; }; }",
  );
  const flags = ["audit", "--evaluate", "--store", join(base, "store"), "--only", "config", "--json"];
  const dirty = JSON.parse(run(nixseal, flags, directory).stdout) as Report;
  assert.deepEqual(said(dirty), ["HST001 affected flake.nix:1"], "the source is looked at as it lies there");
  const plain = join(base, "plain");
  mkdirSync(plain);
  assert.match(run(nixseal, flags, plain).stdout, /no flake\.nix/);
  writeFileSync(join(plain, "flake.nix"), "{ outputs = _: { }; }");
  assert.match(run(nixseal, flags, plain).stdout, /no repository/);
  const broken = run(
    nixseal,
    [...flags, "--", "."],
    audited(context, { "flake.nix": "{ outputs = _: { a = 1 }; }" }).directory,
  );
  assert.equal(broken.status, 2);
});

test("the expression's answers read back, and damaged ones are malformed", () => {
  assert.throws(() => optionsExpression(['a."${x}"']), TypeError);
  for (const text of [
    "{}",
    "[1]",
    '[{"p":[],"v":{"t":"u"}}]',
    '[{"p":["a"],"v":{"t":"b","v":1}}]',
    '[{"p":["a"],"v":{"t":"x"}}]',
    '[{"p":["a"],"v":{"t":"l","v":[]}}]',
    `[{"p":["a"],"v":${'{"t":"l","w":true,"v":['.repeat(20)}${"]}".repeat(20)}}]`,
  ])
    assert.throws(
      () => parseEvaluation(text),
      (error: { code?: string }) => error.code === "malformed" || error.code === "limit",
      text,
    );
});
