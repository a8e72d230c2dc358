import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { run } from "./command.ts";
import { startHost, type Host } from "./host.ts";
import { SecretsHost, secretsDirectory, secretsUnit, type Declarations } from "./secrets-host.ts";

/** A user that exists because the configuration says so: systemd-sysusers makes it, as on NixOS at every boot. */
const configuredUser = {
  "/etc/sysusers.d/app.conf": 'u app - "made from the configuration"\n',
  "/etc/systemd/system/systemd-sysusers.service.d/always.conf": "[Unit]\nConditionNeedsUpdate=\n",
};

async function secretsHost(
  t: TestContext,
  name: string,
  files: Readonly<Record<string, string>> = {},
): Promise<SecretsHost> {
  const host = await startHost(name, { files: { ...configuredUser, ...files } });
  t.after(() => host.destroy());
  return new SecretsHost(host);
}

/** As on a host whose /etc is made anew at every boot. */
async function forgetUser(host: Host): Promise<void> {
  const files = ["passwd", "group", "shadow", "gshadow"].map((name) => `/etc/${name}`);
  await host.run(["sed", "--in-place", "/^app:/d", ...files]);
}

/** A service that keeps what it read when it started. It starts by itself at boot, without any hand. */
function service(secret: string, lines = ""): string {
  return `[Unit]
Wants=${secretsUnit}
After=${secretsUnit}

[Service]
Type=exec
StateDirectory=%N
${lines}
ExecStartPre=sh -c 'cat ${secretsDirectory}/${secret} >/var/lib/%N/read'
ExecStart=sleep infinity

[Install]
WantedBy=multi-user.target
`;
}

test("secrets are there after every boot, before what depends on them starts, with owner and mode", async (t) => {
  const on = await secretsHost(t, "boots", {
    "/etc/systemd/system/app.service": service("app-token", "User=app\n"),
    "/etc/systemd/system/early.service": service("root-token"),
  });
  const { host } = on;
  await host.run(["systemctl", "--quiet", "enable", "app.service", "early.service"]);
  const secrets: Declarations = {
    "app-token": { value: "for the app", owner: "app", group: "app", mode: "0440" },
    "root-token": { value: "for root" },
    elsewhere: { value: "over there", path: "/etc/elsewhere/token" },
  };
  await on.switchTo(await on.generation(secrets));

  const check = async (): Promise<void> => {
    assert.equal(await host.run(["systemctl", "is-system-running"]), "running\n");
    assert.equal(await host.run(["cat", "/var/lib/app/read"]), "for the app");
    assert.equal(await host.run(["cat", "/var/lib/early/read"]), "for root");
    assert.equal(await host.run(["cat", "/etc/elsewhere/token"]), "over there");
    const status = ["stat", "--dereference", "--format=%U:%G %a"];
    assert.equal(await host.run([...status, `${secretsDirectory}/app-token`]), "app:app 440\n");
    assert.equal(await host.run([...status, `${secretsDirectory}/root-token`]), "root:root 400\n");
    const asNobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"];
    for (const secret of ["app-token", "root-token"]) {
      const theft = await host.attempt([...asNobody, "cat", `${secretsDirectory}/${secret}`]);
      assert.match(theft.stderr, /Permission denied/);
    }
    const listing = await host.attempt([...asNobody, "ls", `${secretsDirectory}/`]);
    assert.match(listing.stderr, /Permission denied/);
    const where = await host.run(["stat", "--file-system", "--format=%T", `${secretsDirectory}/root-token`]);
    assert.match(where, /^(ramfs|tmpfs)$/m);
    // The next boot has to bring both again.
    await host.run(["rm", "/var/lib/app/read", "/var/lib/early/read"]);
    await forgetUser(host);
  };
  await host.reboot();
  await check();
  await host.reboot();
  await check();
  await host.powerCut();
  await host.start();
  await check();
});

test("secrets of the stage users are there before the users are made", async (t) => {
  const on = await secretsHost(t, "users", {
    "/etc/systemd/system/before-users.service": `[Unit]
DefaultDependencies=no
After=nixseal-secrets-users.service
Before=systemd-sysusers.service
[Service]
Type=oneshot
ExecStart=sh -c '! getent passwd app && cp ${secretsDirectory}/hash /var/lib/hash-before-users'
[Install]
WantedBy=sysinit.target
`,
  });
  const { host } = on;
  await host.run(["systemctl", "--quiet", "enable", "before-users.service"]);
  const hash = { value: "$y$hash", stage: "users" } as const;
  await on.switchTo(await on.generation({ hash, token: { value: "app's", owner: "app" } }));
  await forgetUser(host);
  await host.reboot();
  assert.doesNotMatch(await host.journal(), /ordering cycle/);
  assert.deepEqual(await on.failedUnits(), []);
  assert.equal(await host.run(["cat", "/var/lib/hash-before-users"]), "$y$hash");
  assert.equal(
    await host.run(["stat", "--dereference", "--format=%U", `${secretsDirectory}/token`]),
    "app\n",
  );
});

test("when one of twenty secrets changes, exactly its units restart", async (t) => {
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const files = Object.fromEntries(
    names.map((name) => [
      `/etc/systemd/system/${name}.service`,
      service(name, "ExecReload=touch /run/%N-reloaded"),
    ]),
  );
  const on = await secretsHost(t, "twenty", files);
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

async function newAgeRecipient(): Promise<string> {
  return /age1\w+/.exec(await run(["age-keygen"]))![0];
}

/** An armored age file of which the last byte of the payload is another one; the header is whole. */
function lastByteChanged(armored: string): string {
  const [begin, ...lines] = armored.trim().split("\n");
  const end = lines.pop();
  const bytes = Buffer.from(lines.join(""), "base64");
  bytes[bytes.length - 1]! ^= 1;
  return [begin, ...bytes.toString("base64").match(/.{1,64}/g)!, end, ""].join("\n");
}

test("secrets that are damaged fail alone and keep their last good value", async (t) => {
  const on = await secretsHost(t, "damaged");
  const { host } = on;
  const good = { a: { value: "a-one" }, altered: { value: "b-one" }, swapped: { value: "c-one" } };
  await on.switchTo(await on.generation(good));

  const bad = await on.generation({
    a: { value: "a-two" },
    altered: { value: "b-two", damage: lastByteChanged },
    fresh: { value: "d-two" },
    swapped: { value: "c-two" },
  });
  // A whole age file for this host, but not the one that the manifest means.
  await host.run(["cp", `${bad}/secrets/fresh.age`, `${bad}/secrets/swapped.age`]);
  await on.switchTo(bad);
  assert.equal(await on.read("a"), "a-two");
  assert.equal(await on.read("fresh"), "d-two");
  assert.equal(await on.read("altered"), "b-one", "the last good value");
  assert.equal(await on.read("swapped"), "c-one", "the last good value");

  const failed = ["nixseal-secret@altered.service", "nixseal-secret@swapped.service"];
  assert.deepEqual(await on.failedUnits(), failed);
  for (const unit of failed) assert.match(await host.journal(unit), /last good value/);
  assert.doesNotMatch(await host.journal(), /[abcd]-(one|two)/, "a value in the journal");

  await host.reboot();
  assert.equal(await on.read("a"), "a-two");
  assert.equal(await on.read("fresh"), "d-two");
  const nowhere = await host.attempt(["cat", `${secretsDirectory}/altered`, `${secretsDirectory}/swapped`]);
  assert.equal(nowhere.stdout, "", "no value of this boot was ever good");
  assert.deepEqual(await on.failedUnits(), failed);
  await on.switchTo(await on.generation(good));
  assert.equal(await on.read("altered"), "b-one");
  assert.deepEqual(await on.failedUnits(), []);
});

test("the key of another host opens nothing", async (t) => {
  const [one, two] = await Promise.all([secretsHost(t, "reader"), secretsHost(t, "stranger")]);
  const secrets: Declarations = { token: { value: "for one only", recipients: [one.host.hostKey.public] } };
  await one.switchTo(await one.generation(secrets));
  assert.equal(await one.read("token"), "for one only");
  await two.switchTo(await two.generation(secrets));
  assert.equal((await two.host.attempt(["test", "-e", `${secretsDirectory}/token`])).code, 1);
  assert.deepEqual(await two.failedUnits(), ["nixseal-secret@token.service"]);
  const traces = await two.host.attempt(["grep", "-r", "for one only", "/run", "/var", "/etc"]);
  assert.equal(traces.stdout, "");
});
