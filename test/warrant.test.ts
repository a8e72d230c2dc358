import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";
import { nixseal, testFleet, type TestFleet } from "./support/fleet.ts";
import { StockNix } from "./support/stock-nix.ts";

const expression = `{ version }: let
  make = name: script: derivation {
    inherit name; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" script ];
  };
  sudo = make "sudo-1.9" "echo careful > $out";
in make "system-\${version}" "echo \${version} \${sudo} > $out"
`;

interface Verdict {
  readonly accepted: boolean;
  readonly code: string | null;
  readonly principals: readonly string[];
  readonly differences: readonly { readonly path: string; readonly field: string }[] | null;
}

/** A fleet whose warrants need two members, with certificates for both, and a Nix with two systems. */
suite("warrants with stock Nix and stock ssh-keygen", () => {
  let nix: StockNix;
  let systems: string[];

  before(() => {
    nix = new StockNix();
    writeFileSync(nix.path("system.nix"), expression);
    systems = ["1", "2"].map((version) =>
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
  });
  after(() => nix.remove());

  function fleetOfTwo(context: TestContext): TestFleet {
    const fleet = testFleet(context, "");
    Object.assign(fleet.env, {
      NIX_STORE_DIR: nix.storeDirectory,
      NIX_STATE_DIR: nix.path("state"),
      NIX_LOG_DIR: nix.path("log"),
      NIX_LOCALSTATE_DIR: nix.path("var"),
      NIX_CONF_DIR: nix.path("etc"),
    });
    const inventory = readFileSync(fleet.file("fleet.toml"), "utf8");
    fleet.write("fleet.toml", `${inventory}\n[members.bob]\nkeys = ["${fleet.publicKey("bob")}"]\n`);
    git(fleet, "init", "-q");
    ok(fleet, "trust", "init", "--warrant-threshold", "2", "--group", "all=web,db");
    for (const name of ["alice", "bob"])
      ok(fleet, "trust", "issue", name, "--rights", "activate", "--hosts", "web,db", "--for", "12h");
    git(fleet, "add", "-A");
    git(fleet, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "fleet");
    return fleet;
  }

  function ordered(fleet: TestFleet, ...words: string[]): string {
    const made = JSON.parse(ok(fleet, "warrant", "create", "--json", ...words)) as {
      warrants: { file: string }[];
    };
    return made.warrants[0]!.file;
  }

  function signedByBoth(fleet: TestFleet, file: string): void {
    ok(fleet, "warrant", "sign", file, "--yes");
    ok(fleet, "warrant", "sign", file, "--yes", "--key", fleet.key("bob"));
  }

  function verified(fleet: TestFleet, file: string, ...words: string[]): Verdict {
    const { code, stdout, stderr } = fleet.run(["warrant", "verify", file, "--json", ...words]);
    assert.ok(stdout !== "", stderr);
    const verdict = JSON.parse(stdout) as Verdict;
    assert.equal(code, verdict.accepted ? 0 : 4, stdout);
    return verdict;
  }

  test("a key with a passphrase signs with --passphrase-fd", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    const encrypt = ["-q", "-p", "-P", "", "-N", "correct horse", "-f", fleet.key("alice")];
    assert.equal(spawnSync("ssh-keygen", encrypt).status, 0);
    const script = `"$1" warrant sign "$2" --yes --passphrase-fd 7 7<<< 'correct horse'`;
    const { status, stdout, stderr } = spawnSync("bash", ["-ec", script, "bash", nixseal, file], {
      cwd: fleet.directory,
      env: fleet.env,
      encoding: "utf8",
      timeout: 60_000,
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /signed .* as alice: 1 of 2/);
  });

  test("is made, signed by two and accepted; one member's second signature is none", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    assert.equal(file, "warrants/web/0001.json");
    assert.equal(verified(fleet, file).code, "threshold");
    ok(fleet, "warrant", "sign", file, "--yes");
    assert.equal(fleet.run(["warrant", "sign", file, "--yes"]).code, 2);
    assert.equal(verified(fleet, file).code, "threshold");
    ok(fleet, "warrant", "sign", file, "--yes", "--key", fleet.key("bob"));
    assert.deepEqual(verified(fleet, file).principals, ["alice", "bob"]);
  });

  test("names the commit that it comes from, unless something was changed", (context) => {
    const fleet = fleetOfTwo(context);
    const head = git(fleet, "rev-parse", "HEAD").trim();
    git(fleet, "remote", "add", "origin", "https://user:hunter2@example.org/fleet.git");
    const shown = (): string =>
      ok(fleet, "warrant", "show", ordered(fleet, "web", "--toplevel", systems[0]!));
    const clean = shown();
    assert.match(clean, new RegExp(`https://example.org/fleet.git ${head}`));
    assert.doesNotMatch(clean, /hunter2/);
    fleet.write("uncommitted", "");
    assert.match(shown(), /source +not said/);
  });

  test("stock ssh-keygen accepts its parts", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    signedByBoth(fleet, file);
    const envelope = JSON.parse(readFileSync(fleet.file(file), "utf8")) as {
      payload: string;
      signatures: string[];
    };
    const payload = Buffer.from(envelope.payload, "base64");
    fleet.write("authorities", `* cert-authority ${fleet.publicKey("alice")}\n`);
    for (const [index, principal] of ["alice", "bob"].entries()) {
      fleet.write("sig", envelope.signatures[index]!);
      const check = (input: Uint8Array, namespace: string): number | null =>
        spawnSync(
          "ssh-keygen",
          ["-Y", "verify", "-f", "authorities", "-I", principal, "-n", namespace, "-s", "sig"],
          { cwd: fleet.directory, input },
        ).status;
      assert.equal(check(payload, "nixseal-warrant@v1"), 0);
      assert.notEqual(check(payload, "nixseal-root@v1"), 0);
      assert.notEqual(check(payload.subarray(1), "nixseal-warrant@v1"), 0);
    }
  });

  test("a key in an agent signs, which knows nothing of the certificate", async (context) => {
    const fleet = fleetOfTwo(context);
    const socket = fleet.file("agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    context.after(() => agent.kill());
    await new Promise((resolve) => agent.stdout.once("data", resolve));
    fleet.env["SSH_AUTH_SOCK"] = socket;
    writeFileSync(fleet.file("bob.pub"), `${fleet.publicKey("bob")}\n`);
    const added = spawnSync("ssh-add", ["-q", fleet.key("bob")], { env: fleet.env, encoding: "utf8" });
    assert.equal(added.status, 0, added.stderr);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    ok(fleet, "warrant", "sign", file, "--yes");
    ok(fleet, "warrant", "sign", file, "--yes", "--key", "bob.pub");
    assert.deepEqual(verified(fleet, file).principals, ["alice", "bob"]);
  });

  test("what follows is numbered and chained; an unsigned draft gives up its place; going back is an order too", (context) => {
    const fleet = fleetOfTwo(context);
    const first = ordered(fleet, "web", "--toplevel", systems[0]!);
    signedByBoth(fleet, first);
    assert.equal(
      ordered(fleet, "web", "--toplevel", systems[0]!, "--action", "boot"),
      "warrants/web/0002.json",
    );
    const second = ordered(fleet, "web", "--toplevel", systems[1]!);
    assert.equal(second, "warrants/web/0002.json");
    signedByBoth(fleet, second);
    assert.ok(verified(fleet, second).accepted);
    assert.match(ok(fleet, "warrant", "show", second), /~ system 1 → 2/);
    assert.equal(verified(fleet, first, "--after", second).code, "replayed");
    const back = ordered(fleet, "web", "--rollback-to", first);
    assert.equal(back, "warrants/web/0003.json");
    signedByBoth(fleet, back);
    assert.ok(verified(fleet, back).accepted);
    assert.ok(verified(fleet, back, "--after", first).accepted, "the one between is kept");
    assert.match(ok(fleet, "warrant", "show", back), /~ system 2 → 1/);
  });

  test("a path that was planted in a host's store is found", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    signedByBoth(fleet, file);
    const store = join(fleet.directory, "..", "host");
    nix.text("nix", "copy", "--no-check-sigs", "--to", store, systems[0]!);
    assert.deepEqual(verified(fleet, file, "--store", store).differences, []);
    // Anyone who could upload before the deployment: the right name, another content, registered as valid.
    const sudo = nix.text("nix-store", "--query", "--references", systems[0]!);
    const evil = join(fleet.directory, "..", "evil");
    writeFileSync(evil, "evil\n");
    const hash = nix.text("nix-hash", "--type", "sha256", evil);
    nix.run("nix-store", ["--store", store, "--load-db"], `${sudo}\n${hash}\n120\n\n0\n`);
    const planted = verified(fleet, file, "--store", store);
    assert.equal(planted.code, "closure");
    assert.deepEqual(
      planted.differences?.map(({ path, field }) => [path, field]),
      [[sudo, "narHash"]],
    );
  });

  test("a warrant for a group is for each of its hosts, and for no other", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "--group", "all", "--toplevel", systems[0]!);
    assert.equal(file, "warrants/@all/0001.json");
    signedByBoth(fleet, file);
    assert.ok(verified(fleet, file).accepted);
    assert.equal(fleet.run(["warrant", "create", "--group", "none", "--toplevel", systems[0]!]).code, 2);
  });

  test("nobody signs without being asked, with a key of no member, or when revoked", (context) => {
    const fleet = fleetOfTwo(context);
    const file = ordered(fleet, "web", "--toplevel", systems[0]!);
    assert.equal(fleet.run(["warrant", "sign", file]).code, 4, "no terminal, nobody to ask");
    const others = fleet.run(["warrant", "sign", file, "--yes", "--key", fleet.key("db")]);
    assert.equal(others.code, 4, others.stderr);
    ok(fleet, "trust", "revoke", "bob");
    const revoked = fleet.run(["warrant", "sign", file, "--yes", "--key", fleet.key("bob")]);
    assert.equal(revoked.code, 4, revoked.stderr);
  });
});

function ok(fleet: TestFleet, ...words: string[]): string {
  const { code, stdout, stderr } = fleet.run(words);
  assert.equal(code, 0, `nixseal ${words.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

function git(fleet: TestFleet, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, {
    cwd: fleet.directory,
    env: { ...fleet.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}
