import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { top } from "../console.ts";
import { StockNix } from "../support/stock-nix.ts";

interface Said {
  readonly failed: string[];
  readonly warnings: string[];
}

interface Unit {
  readonly unitConfig: Record<string, unknown>;
  readonly serviceConfig: Record<string, unknown>;
  readonly socketConfig: Record<string, unknown>;
  readonly wantedBy: string[];
  readonly restartIfChanged: boolean;
}

const agent = "/nix/store/00000000000000000000000000000000-nixseal-agent/bin/nixseal-agent";
const upstream = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
const [alice, ci, hers] = ["A", "B", "C"].map((letter) => `ssh-ed25519 AAAA${letter}`);

/** Assertions and warnings, by the variant of test/nix/evaluate-gate.nix and what they must say. */
const refusals: readonly (readonly [variant: string, message: RegExp])[] = [
  ["trustedUser", /trusted-users names alice:/],
  ["trustedWheel", /trusted-users names @wheel:/],
  ["memberKey", /keys that are not upstream of the root: alice-1:AAAA/],
  ["forcedKey", /keys that are not upstream of the root: alice-1:AAAA/],
  ["trustedCache", /trusted without signatures: https:\/\/cache\.example\.org/],
  ["signingDaemon", /launders/],
  ["keptOut", /allowed-users must hold 'deploy'/],
  ["textOptions", /nix\.extraOptions sets trusted-users/],
  ["wheel", /'deploy' is in wheel, which is as good as root, without even a password/],
  ["docker", /'deploy' is in docker/],
  ["wildcard", /choose what root runs: \S+nix-env -p/],
  ["wildcardSwitch", /choose what root runs: \/nix\/store\/\*/],
  ["anyArguments", /choose what root runs: \S+nix-env/],
  ["deploySudo", /sudo lets 'deploy' run \S+reboot; the gate needs nothing of it/],
  ["deployAll", /sudo lets 'deploy' run ALL/],
  ["sudoRs", /sudo lets 'deploy' run ALL/],
  ["doas", /doas has a rule for 'deploy'/],
  ["upgrades", /autoUpgrade activates without a warrant/],
  ["pullConfirmed", /nobody confirms what a host pulls/],
  ["pullNothing", /set one of nixseal\.pull\.source and nixseal\.pull\.repository/],
  ["noSshd", /services\.openssh\.enable/],
  ["allowUsers", /AllowUsers keeps 'deploy' out/],
  ["rootAccount", /an account of its own/],
  ["health", /begins with a whole path/],
  ["nobody", /nobody could deploy/],
];

const nix = new StockNix();
after(() => nix.remove());

const fromNixPath = (process.env["NIX_PATH"] ?? "")
  .split(delimiter)
  .flatMap((entry) => (entry === "" ? [] : ["-I", entry]));

test("the root's payload is read by Nix as it was written", () => {
  const texts = ["", "a", "ab", "abc", '{"fleet":"a/b+c=","~":" "}', "x".repeat(50_000)];
  const list = texts.map((text) => JSON.stringify(Buffer.from(text).toString("base64"))).join(" ");
  const decode = `import ${join(top, "nix/fleet/base64.nix")} "x"`;
  assert.deepEqual(
    nix.json("nix-instantiate", "--eval", "--strict", "--json", "--expr", `map (${decode}) [ ${list} ]`),
    texts,
  );
  for (const wrong of ["YQ", "YQ=", "Y===", "====", "YQ==YQ==", "Y!==", "AAAA", "w6TD", "YW\n="]) {
    const expression = `(builtins.tryEval (${decode} ${JSON.stringify(wrong)})).success`;
    assert.equal(nix.json("nix-instantiate", "--eval", "--json", "--expr", expression), false, wrong);
  }
});

const hasLib = nix.try("nix-instantiate", [...fromNixPath, "--find-file", "nixpkgs/lib/default.nix"]);
if (hasLib.status === 0) suite("the gate's part of the module, with nixpkgs' lib", evaluation);
else test("the gate's part of the module: nixpkgs is not on NIX_PATH, only its parts are compared", () => {});

function evaluation(): void {
  let found: Record<string, never>;
  const of = <T>(name: string): T => found[name] as T;

  before(() => {
    const fleet = nix.path("fleet");
    mkdirSync(join(fleet, "trust"), { recursive: true });
    writeFileSync(
      join(fleet, "fleet.toml"),
      `[fleet]
name = "test"
[hosts.web]
tags = ["edge"]
[members.alice]
keys = ["${alice} alice's own", "${hers}", "trust/keys/alice.asc"]
groups = ["ops"]
[members.ci]
keys = ["${ci}"]
[members.paper]
keys = ["trust/keys/paper.asc"]
`,
    );
    const payload = Buffer.from(JSON.stringify({ fleet: "test", upstream: [upstream] })).toString("base64");
    writeFileSync(join(fleet, "trust/root.json"), JSON.stringify({ payload, signatures: [] }));
    const file = join(top, "test/nix/evaluate-gate.nix");
    const expression = `import ${file} { lib = import <nixpkgs/lib>; top = ${join(top, ".")}/.; fleet = ${fleet}; }`;
    const args = [...fromNixPath, "--eval", "--strict", "--json", "--expr", expression];
    found = nix.json("nix-instantiate", ...args) as Record<string, never>;
  });

  test("a host with a gate has no complaint, and without one no trace of it", () => {
    assert.deepEqual(of<Said>("plain"), { failed: [], warnings: [] });
    assert.deepEqual(of<string[]>("disabled"), []);
  });

  test("the deploy user owns nothing, and each of its keys is one member's forced command", () => {
    assert.deepEqual(of("account"), {
      isSystemUser: true,
      group: "deploy",
      home: "/var/empty",
      shell: "/bin/sh",
    });
    const line = (member: string, key = "", marks = ""): string =>
      `restrict,${marks}command="${agent} receive --member ${member}" ${key}\n`;
    assert.equal(
      of<Record<string, string>>("etc")["nixseal/authorized_keys"],
      line("alice", alice) + line("alice", hers) + line("ci", ci),
    );
    assert.equal(of("keysMode"), "0444");
    const authority = line("alice", "ssh-ed25519 AAAA", 'cert-authority,principals="alice",');
    assert.equal(of("ops"), line("alice", alice) + line("alice", hers) + authority);
    assert.match(of("sshd"), /^Match User deploy\n(?: {2}\S.*\n)+Match all\n$/);
  });

  test("the gate's configuration is what the fleet and its root say", () => {
    const settings = JSON.parse(of<Record<string, string>>("etc")["nixseal/gate.json"]!) as object;
    assert.deepEqual(settings, of("gate"));
    assert.deepEqual(settings, {
      v: 1,
      fleet: "test",
      host: "web",
      tags: ["edge"],
      storeDirectory: nix.storeDirectory,
      store: null,
      user: "deploy",
      mode: "warrants",
      root: "/etc/nixseal/root.json",
      upstream: [upstream],
      confirm: { within: 90 },
      health: [],
      quarantine: { bytes: 10 * 2 ** 30, days: 7 },
      profile: "/nix/var/nix/profiles/system",
      hostKey: "/etc/ssh/ssh_host_ed25519_key",
    });
    const { nix: settled } = found as unknown as { nix: Record<string, unknown> };
    assert.deepEqual(settled["trusted-public-keys"], [upstream]);
    assert.deepEqual(settled["trusted-users"], ["root"]);
    assert.deepEqual(settled["allowed-users"], ["root", "@wheel", "deploy"]);
    assert.equal(settled["require-sigs"], true);
    assert.equal(of("signed"), false, "a host could take what nobody signed");
  });

  test("by a socket the root side needs no sudo; by sudo it is one command with its argument", () => {
    const socket = of<Record<string, Unit>>("sockets")["nixseal-gate"]!;
    assert.deepEqual(socket.wantedBy, ["sockets.target"]);
    assert.equal(socket.socketConfig["SocketMode"], "0660");
    const services = of<Record<string, Unit>>("services");
    assert.deepEqual(Object.keys(services).sort(), ["nixseal-gate-recover", "nixseal-gate@"]);
    for (const service of Object.values(services)) assert.equal(service.restartIfChanged, false);
    assert.deepEqual(of("sudo"), []);

    const bySudo = of<Said & Record<"sockets" | "services" | "sudo" | "sudo-rs", unknown>>("bySudo");
    const rule = {
      users: ["deploy"],
      runAs: "root",
      commands: [{ command: `${agent} activate`, options: ["NOPASSWD"] }],
    };
    assert.deepEqual(bySudo, {
      sockets: [],
      services: ["nixseal-gate-recover"],
      sudo: [rule],
      "sudo-rs": [rule],
      failed: [],
      warnings: [],
    });
  });

  for (const [variant, message] of refusals)
    test(`refused: ${variant}`, () => {
      const { failed } = of<Said>(variant);
      assert.equal(failed.length, variant === "rootAccount" ? 2 : 1, failed.join("\n"));
      assert.match(failed[0]!, message);
    });

  test("what a person may have meant is a warning", () => {
    assert.deepEqual(of<Said>("harmless"), { failed: [], warnings: [] });
    assert.match(of<Said>("rootLogin").warnings.join(), /root can log in/);
    const { failed, warnings } = of<Said>("certificates");
    assert.deepEqual(failed, []);
    assert.match(warnings.join(), /is root then/);
  });

  test("a host that pulls needs no sshd, and reads strangers' bytes as the deploy user", () => {
    const pull = of<Said & Unit & { readonly settings: string; readonly timerConfig: object }>("pull");
    assert.deepEqual(pull.failed, []);
    assert.deepEqual(JSON.parse(pull.settings), {
      v: 1,
      source: { kind: "web", url: "https://deliveries.example.org/test" },
      cache: null,
      report: null,
      substitute: true,
    });
    assert.equal(pull.serviceConfig["User"], "deploy");
    assert.equal(pull.serviceConfig["ExecStart"], `${agent} pull`);
    assert.equal(pull.restartIfChanged, false);
    assert.ok("RandomizedDelaySec" in pull.timerConfig);
  });

  test("a selector of members is read as everywhere", () => {
    for (const variant of ["unknownMember", "hostTag", "badAuthority", "soon"])
      assert.equal(of(variant), false, variant);
  });
}
