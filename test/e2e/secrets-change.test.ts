import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "./command.ts";
import { secretsDirectory, type Declarations } from "./generations.ts";
import { SecretsHost, service } from "./secrets-host.ts";

async function newAgeRecipient(): Promise<string> {
  return /age1\w+/.exec(await run(["age-keygen"]))![0];
}

test("when one of twenty secrets changes, exactly its units restart", async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const files = Object.fromEntries(
    names.map((name) => [
      `/etc/systemd/system/${name}.service`,
      service(name, "ExecReload=touch /run/%N-reloaded"),
    ]),
  );
  const on = await SecretsHost.start(t, "twenty", files);
  const { host } = on;
  const units = names.map((name) => `${name}.service`);
  const declared = (
    changed: Readonly<Record<string, string>>,
    recipients = [host.hostKey.public],
  ): Declarations =>
    Object.fromEntries(
      names.map((name) => {
        const value = changed[name] ?? `first value of ${name}`;
        const unit = [`${name}.service`];
        return [name, { value, recipients, ...(name === "s9" ? { reload: unit } : { restart: unit }) }];
      }),
    );
  const started = async (): Promise<Map<string, string>> => {
    const ids = await host.run(["systemctl", "show", "--property=InvocationID", "--value", ...units]);
    return new Map(
      ids
        .trim()
        .split(/\n+/)
        .map((id, index) => [names[index]!, id]),
    );
  };
  const restarted = async (before: Map<string, string>): Promise<string[]> => {
    await host.run(["systemctl", "is-active", "--quiet", ...units]);
    const after = await started();
    return names.filter((name) => after.get(name) !== before.get(name));
  };

  const first = await on.generation(declared({}));
  await on.switchTo(first);
  await host.run(["systemctl", "--quiet", "enable", "--now", ...units]);

  let before = await started();
  await on.switchTo(await on.generation(declared({ s7: "second value of s7" })));
  assert.deepEqual(await restarted(before), ["s7"]);
  assert.equal(await host.run(["cat", "/var/lib/s7/read"]), "second value of s7");

  before = await started();
  const readers = [host.hostKey.public, await newAgeRecipient()];
  await on.switchTo(await on.generation(declared({ s7: "second value of s7" }, readers)));
  assert.deepEqual(await restarted(before), [], "a new reader makes new ciphertext, not a new value");

  before = await started();
  const reloaded = await on.generation(declared({ s7: "second value of s7", s9: "second value of s9" }));
  await on.switchTo(reloaded);
  assert.deepEqual(await restarted(before), []);
  assert.equal(await host.run(["sh", "-c", "echo /run/*-reloaded"]), "/run/s9-reloaded\n");

  before = await started();
  await on.switchTo(first);
  assert.deepEqual(await restarted(before), ["s7"], "roll back");
  assert.equal(await on.read("s7"), "first value of s7");
  assert.equal(await on.read("s9"), "first value of s9");
  assert.equal(await host.run(["cat", "/var/lib/s7/read"]), "first value of s7");
  await host.reboot();
  assert.equal(await on.read("s7"), "first value of s7", "the former generation boots too");
});

test("killed at any moment, it leaves the former values or the new ones, and the next run finishes", async (t) => {
  const on = await SecretsHost.start(t, "killed", { "/etc/systemd/system/app.service": service("s0") });
  const { host } = on;
  const names = ["s0", "s1", "s2", "s3", "s4"];
  const declared = (round: number): Declarations =>
    Object.fromEntries(names.map((name) => [name, { value: `${round};`, restart: ["app.service"] }]));
  const values = (): Promise<string> =>
    host.run(["cat", ...names.map((name) => `${secretsDirectory}/${name}`)]);
  await on.switchTo(await on.generation(declared(0)));
  await host.run(["systemctl", "start", "app.service"]);
  // From before the first file is read to after the last unit is told; where each one hits differs between machines.
  for (const [index, seconds] of [0.05, 0.08, 0.1, 0.12, 0.14, 0.16, 0.2, 0.3].entries()) {
    const [former, next] = [index, index + 1].map((round) => `${round};`.repeat(names.length));
    const manifest = `${await on.generation(declared(index + 1))}/manifest.json`;
    const install = ["nixseal-agent", "secrets", "install", "--manifest", manifest];
    await host.attempt(["timeout", "--signal=KILL", String(seconds), ...install]);
    const found = await values();
    assert.ok(found === former || found === next, `after ${seconds} s: ${found}`);
    await host.run(install);
    await on.settled();
    assert.equal(await values(), next);
    assert.equal(
      await host.run(["cat", "/var/lib/app/read"]),
      `${index + 1};`,
      "the service has a former value",
    );
  }
  // The current one and the former one; nothing of the killed runs.
  assert.equal(await host.run(["sh", "-c", "ls /run/nixseal/generations | wc -l"]), "2\n");
});
