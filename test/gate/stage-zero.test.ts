import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseCertificateLine } from "../../src/ssh/certificate.ts";
import { formatNarInfo } from "../../src/nix/narinfo-text.ts";
import { ReceivingGate } from "../support/receiving-gate.ts";

const now = (): bigint => BigInt(Math.floor(Date.now() / 1000));

test("stage 0: with a certificate for uploads paths go to the store, without one they do not", async (context) => {
  const gate = await ReceivingGate.make(context, { mode: "certificates" });
  await gate.listen(context);
  const { builder, host, address } = gate;
  const leaf = builder.add("leaf", "leaf");
  const system = builder.add("system", { "nixos-version": "26.05" }, [leaf]);
  const copy = (scheme: string) => builder.runAside("nix", "copy", "--to", `${scheme}://${address}`, system);
  await assert.rejects(copy("ssh"), /no certificate for uploads was shown/);

  // Shown while it was valid, and over since.
  const kept = join(gate.paths.quarantine, "certificates");
  assert.equal((await gate.ssh("alice", ["nixseal-gate", "present"], gate.certificate("alice"))).status, 0);
  const [name] = fs.readdirSync(kept);
  fs.writeFileSync(join(kept, name!), gate.certificate("alice", ["upload"], { validBefore: now() - 5n }));
  await assert.rejects(copy("ssh"), /the certificate (?:ended|expired|was valid)|expired/);
  assert.ok(!host.has(leaf));

  for (const scheme of ["ssh", "ssh-ng"]) {
    fs.writeFileSync(join(kept, name!), gate.certificate("alice"));
    await copy(scheme);
    assert.ok(host.has(leaf) && host.has(system), scheme);
    assert.deepEqual(host.info(system).references, [leaf]);
    // The root side may still be on its way out, and with it its temporary roots.
    host.run("nix-store", ["--delete", "--ignore-liveness", system, leaf]);
  }
  const ledger = fs
    .readdirSync(gate.paths.ledger)
    .map((file) => fs.readFileSync(join(gate.paths.ledger, file), "utf8"))
    .join("");
  assert.match(
    ledger,
    /"kind":"certificate","uploader":\{"key":"SHA256:[^"]*","member":"alice","serial":"7"\}/,
  );

  // What stage 0 does not stop: what is there already, whoever planted it, is not sent again and becomes part of the system.
  host.add("leaf", "planted");
  await copy("ssh");
  assert.equal(fs.readFileSync(host.at(leaf), "utf8"), "planted");
  assert.deepEqual(host.info(system).references, [leaf]);
  const activate = await gate.ssh("alice", [`${system}/bin/switch-to-configuration`, "switch"]);
  assert.match(activate.stderr, /takes uploads and activates nothing/);
});

test("stage 0: the root side looks at the certificate itself", async (context) => {
  const gate = await ReceivingGate.make(context, { mode: "certificates" });
  gate.makeKey("login-alice");
  const path = gate.builder.add("tool", "tool");
  const info = formatNarInfo(gate.builder.info(path), "x.nar");
  const nar = gate.builder.run("nix-store", ["--dump", gate.builder.at(path)], "", []);
  const hash = /^NarHash: sha256:(.*)$/m.exec(info)![1]!;
  fs.writeFileSync(join(gate.paths.quarantine, `${hash}.nar`), nar);
  const upload = (line: string) =>
    gate.tell({ kind: "upload", certificate: parseCertificateLine(line).certificate, info });
  const refused: readonly (readonly [string, RegExp])[] = [
    [gate.certificate("alice", ["activate"]), /"code":"right"/],
    [gate.certificate("alice", ["upload"], { validBefore: now() - 5n }), /"code":"expired"/],
    [gate.certificate("alice", ["upload"], { critical: [] }), /"code":"rights"/],
  ];
  for (const [line, expected] of refused) assert.match(upload(line).stdout, expected);
  assert.match(gate.tell({ kind: "import", bytes: null, path, uploader: null }).stdout, /"code":"mode"/);
  assert.ok(!gate.host.has(path));
  assert.match(upload(gate.certificate("alice")).stdout, /"outcome":"added"/);
  assert.ok(gate.host.has(path));
  gate.builder.add("tool", "another");
  const other = formatNarInfo(gate.builder.info(path), "x.nar");
  const { certificate } = parseCertificateLine(gate.certificate("alice"));
  assert.match(gate.tell({ kind: "upload", certificate, info: other }).stdout, /is valid with other content/);
});
