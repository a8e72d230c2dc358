import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { attempt, run, type Result } from "./command.ts";
import { SecretsHost, service } from "./secrets-host.ts";

const program = fileURLToPath(new URL("../../../bin/nixseal", import.meta.url));

test("from a fleet's repository to its hosts, and to one host more", async (t) => {
  const repo = mkdtempSync(join(tmpdir(), "nixseal-fleet-"));
  t.after(() => rmSync(repo, { recursive: true }));
  const [web, db] = await Promise.all([
    SecretsHost.start(t, "web", { "/etc/systemd/system/app.service": service("app-token", "User=app") }),
    SecretsHost.start(t, "db"),
  ]);
  const identity = join(repo, "alice");
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", identity]);

  const declare = (sharedWith: readonly string[]): void =>
    writeFileSync(
      join(repo, "fleet.toml"),
      `[fleet]
name = "lab"

[hosts.web]
host_keys = ["${web.host.hostKey.public}"]

[hosts.db]
host_keys = ["${db.host.hostKey.public}"]

[members.alice]
keys = ["${readFileSync(`${identity}.pub`, "utf8").trim()}"]

[secrets.app-token]
hosts = ["web"]
readers = ["alice"]
owner = "app"
restart = ["app.service"]

[secrets.shared]
hosts = ${JSON.stringify(sharedWith)}
readers = ["alice"]
restart = ["app.service"]
`,
    );
  const nixseal = (words: string, input = ""): Promise<Result> =>
    attempt([process.execPath, program, ...words.split(" "), "--fleet", repo], { input });
  const must = async (words: string, input = ""): Promise<string> => {
    const { code, stdout, stderr } = await nixseal(words, input);
    assert.equal(code, 0, `${words}: ${stdout}${stderr}`);
    return stdout;
  };
  /** What a deployment does: the manifest and what it names become the host's new generation. */
  const deploy = async (on: SecretsHost): Promise<void> => {
    const manifest = await must(`secrets manifest ${on.host.name}`);
    const { secrets } = JSON.parse(manifest) as { secrets: readonly { source: string }[] };
    const sources = secrets.map(({ source }) => [source, readFileSync(join(repo, source))] as const);
    await on.switchTo(await on.install(manifest, new Map(sources)));
    assert.deepEqual(await on.failedUnits(), []);
  };

  declare(["web"]);
  await must("secrets set app-token", "token of the app");
  await must("secrets set shared", "what both know");
  await must("secrets check");
  await deploy(web);
  await web.host.run(["systemctl", "start", "app.service"]);
  assert.equal(await web.host.run(["cat", "/var/lib/app/read"]), "token of the app");
  assert.equal(await web.read("shared"), "what both know");

  declare(["web", "db"]);
  assert.equal((await nixseal("secrets check")).code, 1, "db is no recipient yet");
  await must(`secrets rekey -i ${identity}`);
  await must("secrets check");
  const running = ["systemctl", "show", "--property=InvocationID", "app.service"];
  const before = await web.host.run(running);
  await Promise.all([deploy(web), deploy(db)]);
  assert.equal(await db.read("shared"), "what both know");
  assert.equal((await db.host.attempt(["ls", "/run/nixseal/secrets/"])).stdout, "shared\n");
  assert.equal(await web.host.run(running), before, "no value changed");

  await must("secrets set app-token", "another token");
  await deploy(web);
  assert.notEqual(await web.host.run(running), before);
  assert.equal(await web.host.run(["cat", "/var/lib/app/read"]), "another token");
  assert.equal(await must(`secrets get app-token -i ${identity}`), "another token");
});
