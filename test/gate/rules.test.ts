import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ChrootStore } from "../support/chroot-store.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

/** A key as a binary cache has one: its public half for the host, its secret half in a file. */
function cacheKey(store: ChrootStore, name: string): { readonly file: string; readonly publicKey: string } {
  const file = join(store.directory, `${name}.secret`);
  store.run("nix-store", ["--generate-binary-cache-key", name, file, `${file}.pub`], "", []);
  return { file, publicKey: fs.readFileSync(`${file}.pub`, "utf8").trim() };
}

const quarantined = (gate: ReceivingGate): string[] =>
  fs.existsSync(join(gate.paths.quarantine, "claims"))
    ? fs.readdirSync(join(gate.paths.quarantine, "claims"))
    : [];
const archives = (gate: ReceivingGate): string[] =>
  fs.readdirSync(gate.paths.quarantine).filter((name) => name.endsWith(".nar"));

const ledgerOf = ({ paths }: ReceivingGate): string =>
  fs
    .readdirSync(paths.ledger)
    .map((name) => fs.readFileSync(join(paths.ledger, name), "utf8"))
    .join("");

test("a path with an upstream signature, or whose path follows from its content, needs no warrant", async (context) => {
  const unopened = await ReceivingGate.make(context);
  const upstream = cacheKey(unopened.builder, "cache-1");
  const gate = await ReceivingGate.make(context, { upstream: [upstream.publicKey] });
  await gate.listen(context);
  const { builder, host, address } = gate;
  const glibc = builder.add("glibc", "glibc");
  const bash = builder.add("bash", { "bin/bash": "bash" }, [glibc]);
  for (const path of [glibc, bash]) builder.run("nix", ["store", "sign", "-k", upstream.file, path]);
  for (const scheme of ["ssh", "ssh-ng"]) {
    await builder.runAside("nix", "copy", "--to", `${scheme}://${address}`, bash);
    assert.ok(host.has(glibc) && host.has(bash), scheme);
    host.run("nix-store", ["--delete", "--ignore-liveness", bash, glibc]);
  }
  assert.deepEqual(archives(gate), []);

  // A warrant names it too: Nix takes it for the cache's signature, and the ledger says so (below: it is written when the client is done).
  await gate.offer(bash);
  await builder.runAside("nix", "copy", "--to", `ssh-ng://${address}`, bash);

  const stranger = cacheKey(builder, "cache-1");
  const other = builder.add("other", "other");
  builder.run("nix", ["store", "sign", "-k", stranger.file, other]);
  await assert.rejects(
    builder.runAside("nix", "copy", "--to", `ssh://${address}`, other),
    /no cache's signature/,
  );
  assert.ok(!host.has(other));
  for (const name of ["bash", "glibc"])
    assert.match(ledgerOf(gate), new RegExp(`"kind":"upstream","signature":"cache-1:.*-${name}"`));

  fs.writeFileSync(gate.path("source"), "content");
  const source = builder.text("nix-store", "--add", gate.path("source"));
  const text = builder
    .text(
      "nix-instantiate",
      "--eval",
      "--read-write-mode",
      "-E",
      `let a = builtins.toFile "a" "1"; in builtins.toFile "b" "\${a}"`,
    )
    .replaceAll('"', "");
  for (const path of [source, text])
    await builder.runAside("nix", "copy", "--to", `ssh-ng://${address}`, path);
  for (const path of [source, text]) host.run("nix-store", ["--check-validity", path]);
});

test("an upload that no warrant names waits in the quarantine, and comes in when one does", async (context) => {
  const gate = await ReceivingGate.make(context);
  await gate.listen(context);
  const { builder, host, address } = gate;
  const leaf = builder.add("leaf", "leaf");
  const system = builder.add("system", { "nixos-version": "26.05" }, [leaf]);
  const copy = (scheme = "ssh") => builder.runAside("nix", "copy", "--to", `${scheme}://${address}`, system);
  await assert.rejects(copy(), /no certificate for uploads was shown.*nixseal-gate present/s);
  await assert.rejects(copy("ssh-ng"), /no certificate for uploads was shown/);

  const refused: readonly (readonly [string, RegExp])[] = [
    [gate.certificate("bob"), /for another key/],
    [gate.certificate("alice", ["activate"]), /does not give 'upload'/],
    [
      gate.certificate("alice", ["upload"], { validBefore: BigInt(Math.floor(Date.now() / 1000) - 10) }),
      /expired|ended/,
    ],
    [
      gate.certificate("alice", ["upload"], { principals: ["bob"] }),
      /logs in as alice, but the certificate is that of bob/,
    ],
    ["ssh-ed25519 AAAA\n", /nixseal-agent:/],
    ["", /nixseal-agent:/],
  ];
  for (const [line, expected] of refused) {
    const { status, stderr } = await gate.ssh("alice", ["nixseal-gate", "present"], line);
    assert.notEqual(status, 0, stderr);
    assert.match(stderr, expected);
  }
  const shown = await gate.ssh("alice", ["nixseal-gate", "present"], gate.certificate("alice"));
  assert.equal(shown.status, 0, shown.stderr);

  await copy();
  assert.ok(!host.has(leaf) && !host.has(system), "nothing is in the store");
  assert.equal(quarantined(gate).length, 2);
  assert.equal(archives(gate).length, 2);
  const again = await copy();
  assert.doesNotMatch(again.stderr, /copying path/, "what waits is not sent again");
  gate.use("bob");
  await assert.rejects(copy(), /no certificate for uploads was shown/, "it is not there for others");

  for (const words of [
    ["nix-env", "-p", "/nix/var/nix/profiles/system", "--set", system],
    [`${system}/bin/switch-to-configuration`, "switch"],
  ])
    assert.match((await gate.ssh("alice", words)).stderr, /no warrant orders .*nixseal warrant create/s);
  assert.equal((await gate.ssh("alice", ["test", "-f", `${system}/nixos-version`])).status, 1);

  // Through the receiver, as an operator does it: what waits comes in at once.
  const envelope = await gate.warrant(system);
  const { formatMessage } = await import("../../src/gate/message.ts");
  const offer = formatMessage({ kind: "offer", warrant: envelope, between: [], status: null });
  const told = await gate.ssh("bob", ["nixseal-gate", "offer"], offer);
  assert.equal(told.status, 0, told.stderr);
  assert.match(told.stdout, /"ok":true/);
  assert.ok(host.has(leaf) && host.has(system));
  assert.deepEqual([quarantined(gate), archives(gate)], [[], []]);
  assert.equal((await gate.ssh("alice", ["test", "-f", `${system}/nixos-version`])).status, 0);
  const set = await gate.ssh("alice", [
    "sudo",
    "nix-env",
    "-p",
    "/nix/var/nix/profiles/system",
    "--set",
    system,
  ]);
  assert.equal(set.status, 0, set.stderr);
  assert.match(set.stderr, /warrant 1 orders this system/);
  assert.ok(!fs.existsSync(gate.paths.profile), "only the gate sets it, when the system runs");
});

test("a planted path is sent again by a stock client, and repaired", async (context) => {
  const gate = await ReceivingGate.make(context);
  await gate.listen(context);
  const { builder, host, address } = gate;
  const evil = host.add("evil", "evil");
  host.add("sudo", "#!/bin/sh planted");
  host.add("doas", "#!/bin/sh planted", [evil]);
  const held = host.add("held", "x", [evil]);
  host.add("user-of-held", "y", [held]);
  const sudo = builder.add("sudo", "#!/bin/sh good");
  const doas = builder.add("doas", "#!/bin/sh good");
  const system = builder.add("system", { "nixos-version": "" }, [sudo, doas]);
  await gate.offer(system);
  const { stderr } = await builder.runAside("nix", "copy", "--to", `ssh://${address}`, system);
  assert.match(stderr, /copying path '.*-sudo'/);
  for (const path of [sudo, doas, system]) {
    assert.deepEqual(host.info(path).narHash, builder.info(path).narHash);
    assert.deepEqual(host.info(path).references, builder.info(path).references);
    host.run("nix-store", ["--verify-path", path]);
  }
  assert.equal(fs.readFileSync(host.at(sudo), "utf8"), "#!/bin/sh good");
  const ledger = ledgerOf(gate);
  assert.match(ledger, /"event":"repaired".*-sudo/);
  assert.match(ledger, /"event":"added".*"uploader":\{"key":"SHA256:[^"]*","member":"alice".*-system/);

  // With references that Nix never takes away again, and in use: said, and nothing is changed.
  builder.add("held", "good");
  const second = builder.add("second", { "nixos-version": "" }, [held]);
  await gate.offer(second, { seq: 1, prev: null });
  await assert.rejects(
    builder.runAside("nix", "copy", "--to", `ssh-ng://${address}`, second),
    /references that no warrant names, and is in use/,
  );
  assert.equal(fs.readFileSync(host.at(held), "utf8"), "x");
});

test("an upload that differs from the warrant is refused, whoever signed it", async (context) => {
  const unopened = await ReceivingGate.make(context);
  const upstream = cacheKey(unopened.builder, "cache-1");
  const gate = await ReceivingGate.make(context, { upstream: [upstream.publicKey] });
  await gate.listen(context);
  const { builder, host, address } = gate;
  const sudo = builder.add("sudo", "good");
  await gate.offer(sudo);
  builder.add("sudo", "another build");
  builder.run("nix", ["store", "sign", "-k", upstream.file, sudo]);
  await gate.ssh("alice", ["nixseal-gate", "present"], gate.certificate("alice"));
  for (const scheme of ["ssh", "ssh-ng"])
    await assert.rejects(
      builder.runAside("nix", "copy", "--to", `${scheme}://${address}`, sudo),
      /its content is .*, but warrant 1 \(.*\) names/,
    );
  assert.ok(!host.has(sudo));
  assert.deepEqual([quarantined(gate), archives(gate)], [[], []]);
});

test("two members send one closure at the same time, and both are done", async (context) => {
  const gate = await ReceivingGate.make(context);
  await gate.listen(context);
  const { builder, host, address } = gate;
  const leaves = Array.from({ length: 6 }, (_, n) => builder.add(`leaf-${n}`, `${n}`.repeat(200_000)));
  const system = builder.add("system", { "nixos-version": "" }, leaves);
  await gate.offer(system);
  const copies = ["alice", "bob", "alice"].map((who, n) => {
    gate.use(who); // taken when the process starts, which is now
    return builder.runAside("nix", "copy", "--to", `${n === 1 ? "ssh-ng" : "ssh"}://${address}`, system);
  });
  await Promise.all(copies);
  for (const path of [...leaves, system]) host.run("nix-store", ["--verify-path", path]);
  assert.deepEqual(archives(gate), []);
  assert.deepEqual(fs.readdirSync(join(gate.paths.quarantine, "incoming")), []);
});
