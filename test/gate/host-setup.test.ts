import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { parsePullConfig } from "../../src/delivery/pull-config.ts";
import { parseGateConfig } from "../../src/gate/config.ts";
import { trustFleet, type TrustFleet } from "../support/trust-fleet.ts";
import { StockNix } from "../support/stock-nix.ts";

const nix = new StockNix();
after(() => nix.remove());

/** A fleet with a root, and an empty file tree of a host. */
function scene(context: TestContext): { fleet: TrustFleet; root: string; at: (path: string) => string } {
  const fleet = trustFleet(context);
  fleet.expect(0, "trust", "init");
  const root = join(fleet.directory, "../root");
  mkdirSync(join(root, "etc/nix"), { recursive: true });
  return { fleet, root, at: (path) => join(root, path) };
}

const mode = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

test("without --root everything is shown and nothing is written", (context) => {
  const { fleet, at } = scene(context);
  const shown = fleet.expect(0, "host", "setup", "web");
  assert.match(shown, /^# \/etc\/nixseal\/gate\.json \(root:root 0644\)$/m);
  for (const member of ["alice", "bob"])
    assert.ok(shown.includes(`receive --member ${member}" ${fleet.publicKey(member)}\n`));
  assert.match(shown, /^Then, on the host:$/m);
  assert.equal(existsSync(at("etc/nixseal")), false);
});

test("below --root it is what the gate, sshd, sudo, systemd and Nix read, and a second run changes nothing", (context) => {
  const { fleet, root, at } = scene(context);
  writeFileSync(at("etc/nix/nix.conf"), "!include nixseal.conf\ntrusted-users = root alice");
  const health = ["--health", '["/usr/bin/systemctl","is-active","sshd.service"]'];
  const words = ["host", "setup", "web", "--root", root, "--user", "upload", "--member", "alice", ...health];
  assert.match(fleet.expect(0, ...words), /^new +\/etc\/nixseal\/gate\.json/m);
  const again = fleet.expect(0, ...words);
  assert.doesNotMatch(again, /^(?:new|changed|removed) /m);

  const config = parseGateConfig(readFileSync(at("etc/nixseal/gate.json")));
  assert.deepEqual(
    [config.fleet, config.host, config.tags, config.user],
    ["test", "web", ["edge"], "upload"],
  );
  assert.deepEqual(config.health, [["/usr/bin/systemctl", "is-active", "sshd.service"]]);
  assert.deepEqual(config.confirm, { within: 90 });
  assert.deepEqual(readFileSync(at("etc/nixseal/root.json")), readFileSync(fleet.file("trust/root.json")));
  assert.equal(
    readFileSync(at("etc/nixseal/authorized_keys"), "utf8"),
    `restrict,command="/usr/local/bin/nixseal-agent receive --member alice" ${fleet.publicKey("alice")}\n`,
  );
  assert.equal(
    readlinkSync(at("etc/systemd/system/sockets.target.wants/nixseal-gate.socket")),
    "/etc/systemd/system/nixseal-gate.socket",
  );
  assert.match(readFileSync(at("etc/systemd/system/nixseal-gate.socket"), "utf8"), /^SocketGroup=upload$/m);

  // What stands last counts: here it is ours.
  const settings = nix.json("env", `NIX_CONF_DIR=${at("etc/nix")}`, "nix", "show-config", "--json") as Record<
    string,
    { readonly value: unknown }
  >;
  assert.deepEqual(settings["trusted-users"]!.value, ["root"]);
  assert.deepEqual(settings["trusted-public-keys"]!.value, [cacheKey]);
  assert.equal(settings["require-sigs"]!.value, true);
});

const cacheKey = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

test("by sudo there is one line and no socket, and by the socket no line of sudo is left", (context) => {
  const { fleet, root, at } = scene(context);
  const sudoers = at("etc/sudoers.d/nixseal");
  const link = at("etc/systemd/system/sockets.target.wants/nixseal-gate.socket");
  fleet.expect(0, "host", "setup", "web", "--root", root, "--privilege", "sudo");
  assert.match(
    readFileSync(sudoers, "utf8"),
    /^deploy ALL=\(root\) NOPASSWD: \/usr\/local\/bin\/nixseal-agent activate$/m,
  );
  assert.equal(mode(sudoers), "440");
  assert.equal(existsSync(at("etc/systemd/system/nixseal-gate@.service")), false);

  assert.match(
    fleet.expect(0, "host", "setup", "web", "--root", root),
    /^removed +\/etc\/sudoers\.d\/nixseal$/m,
  );
  assert.equal(existsSync(sudoers), false);
  assert.ok(lstatSync(link).isSymbolicLink());
  const back = fleet.expect(0, "host", "setup", "web", "--root", root, "--privilege", "sudo");
  assert.match(back, /^removed +\/etc\/systemd\/system\/sockets\.target\.wants\/nixseal-gate\.socket$/m);
});

test("the account and the directories are made by systemd's own programs", (context) => {
  const { fleet, root, at } = scene(context);
  fleet.expect(0, "host", "setup", "web", "--root", root, "--group", "nix-users");
  const run = (...argv: [string, ...string[]]): void => {
    const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: "utf8", timeout: 30_000 });
    assert.equal(status, 0, stderr);
  };
  run("systemd-sysusers", `--root=${root}`, "nixseal.conf");
  assert.match(
    readFileSync(at("etc/passwd"), "utf8"),
    /^deploy:x:\d+:\d+:[^:]*:\/var\/lib\/nixseal:\/bin\/sh$/m,
  );
  assert.match(readFileSync(at("etc/group"), "utf8"), /^nix-users:x:\d+:deploy$/m);
  mkdirSync(at("nix/var/nix/gcroots"), { recursive: true });
  run("systemd-tmpfiles", `--root=${root}`, "--create", "nixseal.conf");
  assert.equal(mode(at("var/lib/nixseal/gate/quarantine")), "700");
  assert.equal(mode(at("var/lib/nixseal/gate")), "755");
  assert.ok(existsSync(at("nix/var/nix/gcroots/nixseal")));
});

test("a host that pulls has its file, its units and its timer; without the flag they stay as they are", (context) => {
  const { fleet, root, at } = scene(context);
  const setup = (code: number, ...more: string[]): string => {
    const where = more.includes("--nixos") ? [] : ["--root", root];
    return fleet.expect(code, "host", "setup", "web", "--confirm-within", "0", ...more, ...where);
  };
  const health = ["--health", '["/usr/local/bin/nixseal-agent","pull","--check"]'];
  setup(0, "--pull", "/srv/orders", ...health);
  const source = (): unknown => parsePullConfig(readFileSync(at("etc/nixseal/pull.json"))).source;
  assert.deepEqual(source(), { kind: "directory", path: "/srv/orders", removable: false });
  const unit = readFileSync(at("etc/systemd/system/nixseal-pull.service"), "utf8");
  assert.match(unit, /^ReadWritePaths=-\/srv\/orders$/m);
  assert.match(unit, /^User=deploy$/m);
  assert.equal(
    readlinkSync(at("etc/systemd/system/timers.target.wants/nixseal-pull.timer")),
    "/etc/systemd/system/nixseal-pull.timer",
  );
  assert.doesNotMatch(setup(0), /pull/);
  assert.ok(existsSync(at("etc/systemd/system/nixseal-pull.timer")));

  const repository = ["--pull-repository", "https://git.example.org/fleet.git"];
  const introduction = ["--pull-introduction", "8f3c".repeat(10)];
  setup(0, ...repository, ...introduction, "--pull-cache", "https://cache.example.org", ...health);
  assert.equal((source() as { readonly kind: string }).kind, "git");
  const nixos = setup(0, "--nixos", ...repository, ...introduction);
  assert.match(nixos, /^ +pull\.repository\.url = "https:\/\/git\.example\.org\/fleet\.git";$/m);

  assert.match(setup(2, ...repository), /--pull-introduction/);
  assert.match(setup(2, "--pull", "ftp://orders.example.org"), /http or https/);
  assert.match(setup(2, "--pull", "/srv/orders", ...repository), /give one of them/);
  assert.match(setup(2, "--pull-cache", "https://cache.example.org"), /--pull URL/);
  assert.match(
    fleet.expect(2, "host", "setup", "web", "--root", root, "--pull", "/srv/orders"),
    /--confirm-within 0/,
  );
  assert.match(setup(0, "--pull", "/srv/orders"), /nothing decides whether a pulled system is good/);
});

test("NixOS, and a tree that others may write to, are refused", (context) => {
  const { fleet, root, at } = scene(context);
  chmodSync(at("etc"), 0o777);
  assert.match(fleet.expect(4, "host", "setup", "web", "--root", root), /others can change it/);
  chmodSync(at("etc"), 0o755);
  writeFileSync(at("etc/NIXOS"), "");
  assert.match(fleet.expect(4, "host", "setup", "web", "--root", root), /--nixos/);
  assert.equal(existsSync(at("etc/nixseal")), false);
});

test("a link inside of the root does not lead out of it", (context) => {
  const { fleet, root, at } = scene(context);
  const outside = join(fleet.directory, "outside");
  mkdirSync(outside);
  mkdirSync(at(outside), { recursive: true });
  symlinkSync(outside, at("etc/nixseal"));
  fleet.expect(0, "host", "setup", "web", "--root", root);
  assert.equal(existsSync(join(outside, "gate.json")), false);
  assert.ok(existsSync(at(join(outside, "gate.json"))));
});

test("what is no root, no key, no command, no program's path is refused in words", (context) => {
  const { fleet } = scene(context);
  const refused = (code: number, message: RegExp, ...words: string[]): void =>
    assert.match(fleet.expect(code, "host", "setup", ...words), message);
  refused(2, /did you mean 'web'/, "wbe");
  refused(2, /--health is not a command/, "web", "--health", "systemctl is-active x");
  refused(2, /--health is not a command/, "web", "--health", '["systemctl"]');
  refused(2, /expected a whole path/, "web", "--agent", '/opt/a"b');
  refused(2, /expected a whole path/, "web", "--agent", "/opt/%h/agent");
  refused(2, /gate\.confirm\.within: .*whole number from 5/, "web", "--confirm-within", "3");
  refused(2, /exclude each other/, "web", "--nixos", "--root", "/nowhere");
  assert.match(
    fleet.expect(0, "host", "setup", "web", "--mode", "certificates"),
    /being root then: that takes warrants/,
  );
  const paper = 'keys = ["trust/keys/paper.asc"]';
  fleet.write("fleet.toml", `${readFileSync(fleet.file("fleet.toml"), "utf8")}[members.paper]\n${paper}\n`);
  refused(2, /nobody could deploy/, "web", "--member", "paper");
  assert.match(fleet.expect(2, "host", "setup", "web", "--user", "root"), /the deploy user cannot be root/);
  for (const group of ["wheel", "sudo", "docker"])
    refused(2, /is root on most machines/, "web", "--group", group);
});

test("--nixos is a module that Nix reads, with what differs from the defaults", (context) => {
  const { fleet } = scene(context);
  const health = ["--health", '["/bin/sh","a\\"${b}\\\\"]'];
  const words = ["host", "setup", "web", "--nixos", "--confirm-within", "0", "--mode", "certificates"];
  const { stdout } = fleet.run([...words, ...health, "--json"]);
  const { nixos } = JSON.parse(stdout) as { nixos: string };
  const evaluated = nix.json(
    "nix-instantiate",
    "--eval",
    "--strict",
    "--json",
    "--expr",
    `let nixseal.nixosModules.default = 1; in ${nixos.replaceAll("./.", '"./."')}`,
  ) as { nixseal: { gate: Record<string, unknown> } };
  assert.deepEqual(evaluated.nixseal.gate, {
    enable: true,
    mode: "certificates",
    members: ["alice", "bob"],
    confirmWithin: null,
    health: [["/bin/sh", 'a"${b}\\']],
  });
});
