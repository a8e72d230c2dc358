import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "./host.ts";
import { secretsDirectory, type Declarations } from "./generations.ts";
import { SecretsHost, service } from "./secrets-host.ts";

/** As on a host whose /etc is made anew at every boot. */
async function forgetUser(host: Host): Promise<void> {
  const files = ["passwd", "group", "shadow", "gshadow"].map((name) => `/etc/${name}`);
  await host.run(["sed", "--in-place", "/^app:/d", ...files]);
}

test("secrets are there after every boot, before what depends on them starts, with owner and mode", async (t) => {
  const on = await SecretsHost.start(t, "boots", {
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
  const on = await SecretsHost.start(t, "users", {
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

test("the key of another host opens nothing", async (t) => {
  const [one, two] = await Promise.all([SecretsHost.start(t, "reader"), SecretsHost.start(t, "stranger")]);
  const secrets: Declarations = { token: { value: "for one only", recipients: [one.host.hostKey.public] } };
  await one.switchTo(await one.generation(secrets));
  assert.equal(await one.read("token"), "for one only");
  await two.switchTo(await two.generation(secrets));
  assert.equal((await two.host.attempt(["test", "-e", `${secretsDirectory}/token`])).code, 1);
  assert.deepEqual(await two.failedUnits(), ["nixseal-secret@token.service"]);
  const traces = await two.host.attempt(["grep", "-r", "for one only", "/run", "/var", "/etc"]);
  assert.equal(traces.stdout, "");
});
