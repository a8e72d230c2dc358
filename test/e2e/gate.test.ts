import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test, before, after } from "node:test";
import { GateFleet, type GateHost } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf, untilConfirming } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";
import type { Host } from "./host.ts";
import { rebuilds } from "./rebuild-commands.ts";
import { attempt } from "./command.ts";

suite("a host with a gate", () => {
  let fleet: GateFleet;
  let at: GateHost;
  const undo: (() => unknown)[] = [];
  const later = { after: (work: () => unknown) => void undo.unshift(work) };
  before(async () => {
    fleet = new GateFleet(later);
    at = await fleet.startHost(later);
  });
  after(async () => {
    for (const work of undo) await work();
  });

  const isValid = async (path: string): Promise<boolean> =>
    (await at.host.attempt(["nix-store", "--check-validity", path])).code === 0;

  test("its units are as they should be, and nobody but root is trusted", async () => {
    assert.equal(await at.host.run(["systemctl", "is-system-running"]), "running\n");
    const settings = await at.host.run([
      "nix",
      "--extra-experimental-features",
      "nix-command",
      "config",
      "show",
    ]);
    assert.match(settings, /^trusted-users = root$/m);
    assert.match(settings, /^require-sigs = true$/m);
    // Root's key is this test's own way in; no system was ordered yet.
    assert.deepEqual(await findingsOf(at.host), [
      "krl-age",
      "not-warranted",
      "not-warranted",
      "ssh-root-login",
    ]);
  });

  test("without a warrant nothing gets into the store", async () => {
    const system = await addSystem(fleet.store, "unordered");
    for (const copy of copies(at.host, system)) {
      const { code, stderr } = await fleet.store.tryNix(...copy);
      assert.notEqual(code, 0);
      assert.match(stderr, /no warrant names it/, copy.join(" "));
    }
    assert.equal(await isValid(system), false);
  });

  test("a member who may upload fills the quarantine, and the store stays as it was", async () => {
    const certificate = readFileSync(fleet.certificateOf("mallory"));
    const shown = await fleet.ssh("mallory", at.host, ["nixseal-gate", "present"], certificate);
    assert.equal(shown.code, 0, shown.stderr);
    const system = await addSystem(fleet.store, "mallory");
    await fleet.storeAs("mallory").nix("nix", "copy", "--to", `ssh-ng://deploy@${at.host.address}`, system);
    assert.equal(await isValid(system), false);
    const held = await at.host.run(["find", "/var/lib/nixseal/gate/quarantine", "-name", "*.nar"]);
    assert.equal(held.trim().split("\n").length, 2);
    const told = await fleet.ssh("mallory", at.host, [
      `sudo nix-env -p /nix/var/nix/profiles/system --set ${system}`,
    ]);
    assert.equal(told.code, 4);
    assert.match(told.stderr, /no warrant orders/);
  });

  test("what Nix takes by its own rules comes without a warrant, and the ledger says where it is from", async () => {
    const file = join(fleet.base, "data");
    writeFileSync(file, "data");
    const data = (await fleet.store.nix("nix-store", "--add", file)).trim();
    const tool = await fleet.store.add("tool", { "bin/tool": "tool" });
    await fleet.store.nix("nix", "store", "sign", "-k", fleet.cacheKey, tool);
    await fleet.storeAs("ci").nix("nix", "copy", "--to", `ssh-ng://deploy@${at.host.address}`, data, tool);
    const show = (path: string) => at.host.run(["nixseal-agent", "ledger", "show", path]);
    assert.match(await show(data), / added: by its content, sent by ci \(SHA256:/);
    assert.match(await show(tool), / added: upstream, signed by cache-1, sent by ci \(SHA256:/);
  });

  for (const [index, name] of [
    "nix copy --to ssh-ng://",
    "nix copy --to ssh://",
    "nix-copy-closure --to",
  ].entries())
    test(`${name} brings what a warrant names, and it activates`, async () => {
      const system = await addSystem(fleet.store, `stock-${index}`);
      const file = await fleet.order(system);
      await fleet.store.nix(...copies(at.host, system)[index]!);
      const { code, stdout, stderr } = await fleet.gate("activate", file);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^web: active /);
      assert.deepEqual(await systemsOf(at.host), all(system));
    });

  test("the receipt is signed with the host's key, for stock ssh-keygen too", async () => {
    const names = (await at.host.run(["ls", "/var/lib/nixseal/gate/receipts"])).trim().split("\n");
    const text = await at.host.run(["cat", `/var/lib/nixseal/gate/receipts/${names.at(-1)!}`]);
    const { payload, signatures } = JSON.parse(text) as { payload: string; signatures: string[] };
    const [allowed, file] = [join(fleet.base, "allowed"), join(fleet.base, "receipt.sig")];
    writeFileSync(allowed, `web ${at.host.hostKey.public}\n`);
    writeFileSync(file, signatures[0]!);
    const verify = [
      "ssh-keygen",
      "-Y",
      "verify",
      "-f",
      allowed,
      "-I",
      "web",
      "-n",
      "nixseal-receipt@v1",
      "-s",
      file,
    ];
    const { code, stderr } = await attempt(verify, { input: Buffer.from(payload, "base64") });
    assert.equal(code, 0, stderr);
  });

  test("a planted path is refused, and repaired by the same stock client", async () => {
    const sudo = await fleet.store.add("sudo-1.0", { "bin/sudo": "#!/bin/sh\necho good\n" });
    const system = await addSystem(fleet.store, "with-sudo", { uses: [sudo] });
    await plant(at.host, sudo, "#!/bin/sh\necho evil\n");
    const file = await fleet.order(system);

    // All but the planted path is brought by somebody who leaves it as it is.
    const paths = (await fleet.store.nix("nix-store", "--query", "--requisites", system)).trim().split("\n");
    const others = paths.filter((path) => path !== sudo && path !== system);
    await fleet.store.nix(
      "nix",
      "copy",
      "--no-recursive",
      "--to",
      `ssh-ng://deploy@${at.host.address}`,
      ...others,
      system,
    );
    const before = await systemsOf(at.host);
    const refused = await fleet.gate("activate", file);
    assert.equal(refused.code, 4, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /\[closure\]/);
    assert.ok(refused.stderr.includes(sudo), refused.stderr);
    assert.deepEqual(await systemsOf(at.host), before);
    assert.equal(await at.host.run([`${sudo}/bin/sudo`]), "evil\n");

    await fleet.store.nix("nix", "copy", "--to", `ssh-ng://deploy@${at.host.address}`, system);
    assert.equal(await at.host.run([`${sudo}/bin/sudo`]), "good\n");
    const { code, stderr } = await fleet.gate("activate", file, "--rehash");
    assert.equal(code, 0, stderr);
    assert.deepEqual(await systemsOf(at.host), all(system));
    await at.host.run(["nix-store", "--verify-path", ...paths]);
  });

  for (const [name, sequence] of rebuilds)
    test(`the commands of ${name} --target-host --sudo deploy, while the operator confirms`, async () => {
      const system = await addSystem(fleet.store, name.replaceAll(/[^a-z]/g, ""));
      const file = await fleet.deliver(at.host, system);
      const commands = sequence(system);
      for (const command of commands.slice(0, -1)) {
        const { code, stderr } = await fleet.ssh("alice", at.host, [command]);
        assert.equal(code, 0, `${command}: ${stderr}`);
      }
      const switching = fleet.ssh("alice", at.host, [commands.at(-1)!]);
      await at.host.run([
        "timeout",
        "60",
        "sh",
        "-c",
        `until [ "$(readlink /run/current-system)" = ${system} ]; do sleep 0.1; done`,
      ]);
      let confirmed = await fleet.gate("confirm", file);
      // It runs a moment before the host asks for the confirmation.
      if (/no activation waits/.test(confirmed.stderr)) confirmed = await fleet.gate("confirm", file);
      assert.equal(confirmed.code, 0, confirmed.stderr);
      const { code, stderr } = await switching;
      assert.equal(code, 0, stderr);
      assert.deepEqual(await systemsOf(at.host), all(system));
    });

  test("the operator takes back what waits for its confirmation, and the order is spent then", async () => {
    const before = await systemsOf(at.host);
    const order = await fleet.deliver(at.host, await addSystem(fleet.store, "regretted"));
    const activating = fleet.gate("activate", order, "--confirm", "later");
    await untilConfirming(at.host);
    const { code, stderr } = await fleet.gate("revert", "web");
    assert.equal(code, 0, stderr);
    assert.equal((await activating).code, 3);
    assert.deepEqual(await systemsOf(at.host), before);
    assert.match((await fleet.gate("activate", order)).stderr, /\[spent\]/);
    await assertSettled(fleet, at.host);
  });

  test("the ledger names the warrant of every path that runs", async () => {
    const { running } = await systemsOf(at.host);
    const shown = await at.host.run(["nixseal-agent", "ledger", "show", running]);
    assert.match(shown, /warrant/);
    assert.deepEqual(await findingsOf(at.host), ["krl-age", "ssh-root-login"]);
  });
});

/** What the host's own doctor says of it. */
async function findingsOf(host: Host): Promise<string[]> {
  const said = await host.run(["nixseal-agent", "doctor", "--json"], { codes: [0, 1] });
  const { findings } = JSON.parse(said) as { findings: readonly { readonly id: string }[] };
  return findings.map(({ id }) => id).sort();
}

/** Each stock way to upload a closure. */
function copies({ address }: Host, path: string): (readonly string[])[] {
  return [
    ["nix", "copy", "--to", `ssh-ng://deploy@${address}`, path],
    ["nix", "copy", "--to", `ssh://deploy@${address}`, path],
    ["nix-copy-closure", "--to", `deploy@${address}`, path],
  ];
}

/** As if it had been brought before there was a gate: valid, under the name that somebody waits for. */
async function plant(host: Host, path: string, content: string): Promise<void> {
  const script = `set -e
mkdir -p "$0/bin"; cat >"$0/bin/sudo"; chmod 555 "$0/bin/sudo"; touch -h -d @1 "$0/bin/sudo" "$0/bin" "$0"; chmod 555 "$0/bin" "$0"
printf '%s\\n%s\\n%s\\n\\n0\\n' "$0" "$(nix-hash --type sha256 "$0")" "$(nix-store --dump "$0" | wc -c)" | nix-store --load-db`;
  await host.run(["sh", "-c", script, path], { input: content });
}
