/** The machine is not started anew here: a program in the place of systemctl writes down that it was asked to. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { GateHost } from "../../../test/support/gate-host.ts";
import { noConfirmation, outcomeOf, told } from "../../../test/support/gate-orders.ts";
import { alice, bob, member } from "../../../test/support/warrants.ts";
import { signMessage, type Signer } from "../../ssh/signer.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { confirmNamespace } from "../message.ts";
import { rebootNamespace, rebootText, type RebootMessage } from "../reboot-message.ts";
import { reboot } from "./reboot.ts";
import { status } from "./status.ts";

async function hostWithFakeSystemctl(t: TestContext, exit = 0): Promise<GateHost> {
  const host = await GateHost.make(t, noConfirmation);
  mkdirSync(join(host.root, "usr/bin"), { recursive: true });
  host.write("usr/bin/systemctl", `#!/bin/sh\necho "$*" >> ${host.root}/asked\nexit ${exit}\n`);
  chmodSync(join(host.root, "usr/bin/systemctl"), 0o755);
  return host;
}

async function message(
  host: GateHost,
  { digest }: WarrantEnvelope,
  signer: Signer = alice,
  changed: Partial<RebootMessage> = {},
): Promise<RebootMessage> {
  const about = { warrant: digest, boot: host.boot, uptime: host.uptime };
  const text = rebootText({ fleet: "test", host: "web", ...about });
  const signature = await signMessage(text, rebootNamespace, signer);
  return { kind: "reboot", ...about, fence: null, signature, ...changed };
}

suite("a reboot (with a program in the place of systemctl)", () => {
  test("ends an order: signed by one who may activate, for this boot only", async (t) => {
    const host = await hostWithFakeSystemctl(t);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope), "active");
    const good = await message(host, envelope, bob);
    host.uptime += 901;
    assert.equal(await told(() => reboot(host.gate(), good)), "boot", "kept back, and sent much later");
    host.uptime -= 1;
    assert.equal(await told(() => reboot(host.gate(), good)), "ok");
    assert.equal(host.read("asked"), "reboot\n");
    host.restart();
    assert.equal(await told(() => reboot(host.gate(), good)), "boot", "the same message once more");
    assert.equal(host.read("asked"), "reboot\n");
  });

  test("follows an order to boot, into exactly that system", async (t) => {
    const host = await hostWithFakeSystemctl(t);
    const envelope = await host.warrant(host.new, { action: "boot" });
    assert.equal(await outcomeOf(host, envelope, { action: "boot" }), "next-boot");
    host.nix("nix-env", "--profile", host.paths.profile, "--set", host.old);
    const early = await message(host, envelope);
    assert.equal(await told(() => reboot(host.gate(), early)), "not-active", "the profile is another");
    host.nix("nix-env", "--profile", host.paths.profile, "--set", host.new);
    assert.equal(await told(() => reboot(host.gate(), early)), "ok");
  });

  test("is refused to who may only upload, by a bare key, for another purpose, host, boot or order", async (t) => {
    const host = await hostWithFakeSystemctl(t);
    const envelope = await host.warrant();
    assert.equal(await told(async () => reboot(host.gate(), await message(host, envelope))), "not-active");
    assert.equal(await outcomeOf(host, envelope), "active");
    const good = await message(host, envelope);
    const uploader = member("dave", 4, { rights: { rights: ["upload"] } });
    const text = (about: object): Uint8Array =>
      rebootText({
        fleet: "test",
        host: "web",
        warrant: envelope.digest,
        boot: host.boot,
        uptime: host.uptime,
        ...about,
      });
    const over = async (about: object, namespace = rebootNamespace): Promise<RebootMessage> => ({
      ...good,
      signature: await signMessage(text(about), namespace, alice),
    });
    const cases: readonly [string, RebootMessage][] = [
      ["confirmation", await message(host, envelope, uploader)],
      ["confirmation", await message(host, envelope, { ...alice, identity: bareKey(alice) })],
      ["confirmation", await over({}, confirmNamespace)],
      ["confirmation", await over({ host: "db" })],
      ["confirmation", await over({ fleet: "other" })],
      ["confirmation", await over({ boot: "another" })],
      ["confirmation", await over({ uptime: host.uptime - 1 })],
      ["boot", { ...good, boot: "another" }],
      ["boot", { ...good, uptime: host.uptime + 1 }],
      ["not-active", { ...good, warrant: "00".repeat(32) }],
    ];
    for (const [code, one] of cases) assert.equal(await told(() => reboot(host.gate(), one)), code);
    assert.equal(host.read("asked"), "");
  });

  test("is refused while something is under way, after a revert, and by a lease that is over", async (t) => {
    const host = await hostWithFakeSystemctl(t);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope, { fence: 9 }), "active");
    const late = await message(host, envelope, alice, { fence: 8 });
    assert.equal(await told(() => reboot(host.gate(), late)), "stale-fence");
    const bad = host.addSystem("bad");
    host.behave("bad", "test", "2");
    const next = await host.warrant(bad, { seq: 2, prev: envelope.digest });
    assert.equal(await outcomeOf(host, next), "reverted");
    for (const one of [envelope, next])
      assert.equal(await told(async () => reboot(host.gate(), await message(host, one))), "not-active");
    assert.equal(host.read("asked"), "");
  });

  test("that systemd does not take is an error", async (t) => {
    const host = await hostWithFakeSystemctl(t, 1);
    const envelope = await host.warrant();
    assert.equal(await outcomeOf(host, envelope), "active");
    assert.equal(await told(async () => reboot(host.gate(), await message(host, envelope))), "tool");
  });
});

test("the status names the boot, and whether another kernel would be booted than runs", async (t) => {
  const host = await hostWithFakeSystemctl(t);
  const says = async (): Promise<unknown> => {
    const { boot, reboot: awaits } = (await status(host.gate())) as Record<string, unknown>;
    return [boot, awaits];
  };
  assert.deepEqual(await says(), [host.boot, null], "nothing says what was booted");
  const system = (name: string, kernel: string) =>
    host.addPath(name, { kernel, initrd: "i", "kernel-modules": "m", "kernel-params": "p" }, []);
  const [first, same, other] = [system("one", "6.1"), system("two", "6.1"), system("three", "6.2")];
  symlinkSync(first, join(host.root, "run/booted-system"));
  for (const [next, awaits] of [
    [same, false],
    [other, true],
  ] as const) {
    host.nix("nix-env", "--profile", host.paths.profile, "--set", next);
    assert.deepEqual(await says(), [host.boot, awaits]);
  }
});

function bareKey({ identity }: Signer): Signer["identity"] {
  return identity.type === "certificate" ? identity.key : identity;
}
