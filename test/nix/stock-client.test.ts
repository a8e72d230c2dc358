import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { StorePath } from "../../src/nix/store-path.ts";
import { top } from "../console.ts";
import { sshServer } from "../support/ssh-server.ts";
import { StockNix } from "../support/stock-nix.ts";
import { DirectoryStore } from "../support/test-store.ts";

/** Stock Nix as the client of our servers (Debian: nix-bin, openssh-client, openssh-server). */
const nix = new StockNix();
after(() => nix.remove());
const program = join(top, "dist/test/support/protocol-server.js");
/** Two paths, the second refers to the first, and one that the test store refuses. */
let leaf: StorePath;
let system: StorePath;
let refused: StorePath;
let stores = 0;

before(() => {
  writeFileSync(
    nix.path("x.nix"),
    `let a = derivation { name = "leaf"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo a > $out"]; };
     in derivation { name = "system"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo \${a} $out > $out"]; }`,
  );
  system = nix.text("nix-build", "--no-out-link", "x.nix") as StorePath;
  leaf = nix.text("nix-store", "-qR", system).split("\n")[0] as StorePath;
  writeFileSync(nix.path("refused"), "planted");
  refused = nix.text("nix-store", "--add", "refused") as StorePath;
});

/** A store of its own behind a program named `ssh` that starts our server instead of connecting anywhere. */
function behindFakeSsh(): { store: DirectoryStore; commands: () => string[] } {
  const at = nix.path(`received-${++stores}`);
  const bin = nix.path(`bin-${stores}`);
  const log = nix.path(`commands-${stores}`);
  mkdirSync(bin);
  writeFileSync(
    join(bin, "ssh"),
    `#!/bin/sh
for command; do :; done
echo "$command" >> "${log}"
SSH_ORIGINAL_COMMAND="$command" exec "${process.execPath}" "${program}" "${at}" "${nix.storeDirectory}"
`,
  );
  chmodSync(join(bin, "ssh"), 0o755);
  nix.environment["PATH"] = `${bin}:${process.env["PATH"]}`;
  return {
    store: new DirectoryStore(at, nix.storeDirectory),
    commands: () => readFileSync(log, "utf8").trim().split("\n"),
  };
}

/** Everything that the database of the client says of the path has arrived, and the NAR byte for byte. */
async function assertReceived(store: DirectoryStore, paths: readonly StorePath[]): Promise<void> {
  for (const path of paths) {
    const info = await store.queryPathInfo(path);
    assert.ok(info !== null, path);
    assert.deepEqual(Buffer.from(store.nar(path)), nix.run("nix-store", ["--dump", path]));
    const hash = `sha256:${nix.text("nix-hash", "--type", "sha256", "--base32", path)}`;
    assert.equal(nix.text("nix-store", "-q", "--hash", path), hash);
    assert.equal(
      Buffer.from(info.narHash.digest).toString("hex"),
      nix.text("nix-hash", "--type", "sha256", path),
    );
    assert.equal(String(info.narSize), nix.text("nix-store", "-q", "--size", path));
    assert.deepEqual(
      [...info.references].sort(),
      nix.text("nix-store", "-q", "--references", path).split("\n").filter(Boolean).sort(),
    );
  }
}

const ways: readonly (readonly [string, string, (path: StorePath) => readonly [string, ...string[]]])[] = [
  [
    "nix copy --to ssh://",
    "nix-store --serve --write",
    (path) => ["nix", "copy", "--to", "ssh://gate", path],
  ],
  ["nix copy --to ssh-ng://", "nix-daemon --stdio", (path) => ["nix", "copy", "--to", "ssh-ng://gate", path]],
  [
    "nix copy -s --to ssh://",
    "nix-store --serve --write",
    (path) => ["nix", "copy", "-s", "--to", "ssh://gate", path],
  ],
  [
    "nix copy -s --to ssh-ng://",
    "nix-daemon --stdio",
    (path) => ["nix", "copy", "-s", "--to", "ssh-ng://gate", path],
  ],
  [
    "nix-copy-closure --to",
    "nix-store --serve --write",
    (path) => ["nix-copy-closure", "--to", "gate", path],
  ],
  [
    "nix-copy-closure -s --to",
    "nix-store --serve --write",
    (path) => ["nix-copy-closure", "-s", "--to", "gate", path],
  ],
];

for (const [name, command, argv] of ways) {
  test(`${name}, with ssh faked: a closure arrives, and a second time there is nothing to send`, async () => {
    const { store, commands } = behindFakeSsh();
    const [tool, ...args] = argv(system);
    nix.run(tool, args);
    await assertReceived(store, [leaf, system]);
    const again = nix.try(tool, args);
    assert.equal(again.status, 0, again.stderr.toString());
    assert.doesNotMatch(again.stderr.toString(), /copying path/);
    assert.deepEqual([...new Set(commands())], [command]);
  });

  test(`${name}, with ssh faked: a refusal fails and says why`, async () => {
    const { store } = behindFakeSsh();
    const [tool, ...args] = argv(refused);
    const { status, stderr } = nix.try(tool, args);
    assert.notEqual(status, 0);
    assert.match(stderr.toString(), /no warrant names it/);
    assert.equal(await store.queryPathInfo(refused), null);
  });
}

test("what arrived can be asked for over ssh-ng://, with ssh faked", () => {
  behindFakeSsh();
  nix.run("nix", ["copy", "--to", "ssh-ng://gate", system]);
  for (const question of ["--references", "--hash", "--size", "--deriver"])
    assert.equal(
      nix.text("nix-store", "--store", "ssh-ng://gate", "-q", question, system),
      nix.text("nix-store", "-q", question, system),
    );
  nix.run("nix", ["store", "ping", "--store", "ssh-ng://gate"]);
});

test("a build that is asked for is refused in words, with ssh faked", () => {
  behindFakeSsh();
  const derivation = nix.text("nix-instantiate", "x.nix");
  for (const scheme of ["ssh", "ssh-ng"]) {
    const { status, stderr } = nix.try("nix-store", ["--store", `${scheme}://gate`, "-r", derivation]);
    assert.notEqual(status, 0);
    assert.match(stderr.toString(), /error: this host takes uploads only/, scheme);
  }
});

test("a real sshd with a forced command: nix copy and nix-copy-closure", async (context) => {
  const { directory } = nix;
  const at = nix.path("received-sshd");
  for (const key of ["host_key", "user_key"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(directory, key)]);
  const forced = `${process.execPath} ${program} ${at} ${nix.storeDirectory}`;
  const publicKey = readFileSync(nix.path("user_key.pub"), "utf8");
  writeFileSync(nix.path("authorized_keys"), `restrict,command="${forced}" ${publicKey}`, { mode: 0o600 });
  const port = await sshServer(
    context,
    directory,
    [nix.path("host_key")],
    [`AuthorizedKeysFile ${nix.path("authorized_keys")}`, "StrictModes no", "UsePAM no"],
  );
  const hostKey = readFileSync(nix.path("host_key.pub"), "utf8");
  writeFileSync(nix.path("known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  nix.environment["PATH"] = process.env["PATH"] ?? "";
  nix.environment["NIX_SSHOPTS"] = [
    "-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20",
    `-p ${port} -i ${nix.path("user_key")} -o IdentitiesOnly=yes -o UserKnownHostsFile=${nix.path("known_hosts")}`,
  ].join(" ");
  const host = `${userInfo().username}@127.0.0.1`;
  const run = (tool: string, ...args: string[]) => nix.runAside(tool, args);
  const store = new DirectoryStore(at, nix.storeDirectory);
  await run("nix", "copy", "--to", `ssh://${host}`, leaf);
  await assertReceived(store, [leaf]);
  await run("nix", "copy", "--to", `ssh-ng://${host}`, system);
  await assertReceived(store, [leaf, system]);
  await run("nix-copy-closure", "--to", host, system);
  await assert.rejects(run("nix-copy-closure", "--to", host, refused), /no warrant names it/);
  const ssh = (...words: string[]) =>
    nix.runAside("ssh", [...nix.environment["NIX_SSHOPTS"]!.split(" "), host, ...words]);
  await assert.rejects(ssh("id"), /not one that the deploy user may give/);
});
