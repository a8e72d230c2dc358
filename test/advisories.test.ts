/** A feed that the program made, served over HTTP to the program. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { test, type TestContext } from "node:test";
import { top } from "./console.ts";
import { Keygen } from "./support/ssh-keygen.ts";

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Not `spawnSync`: the server lives in this process. */
function nixseal(directory: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(join(top, "bin/nixseal"), args, {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory },
    timeout: 60_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (piece: Buffer) => (output += piece.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

async function serve(context: TestContext, directory: string): Promise<string> {
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(directory, normalize(request.url!))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("publish, sign, serve, update, change, update: only the new layer is fetched", async (context) => {
  const keys = new Keygen(context);
  for (const name of ["alice", "bob"]) keys.key(name);
  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, output } = await nixseal(keys.directory, "advisories", ...args);
    assert.equal(code, 0, output);
    return output;
  };
  const advisory = (id: string, fixed: string): string =>
    JSON.stringify({
      id,
      modified: "2026-01-01T00:00:00Z",
      summary: `flaw ${id}`,
      affected: [
        {
          package: { ecosystem: "nixpkgs", name: "foo" },
          ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed }] }],
        },
      ],
    });
  keys.write("one.json", advisory("TEAM-1", "1.2"));
  await run("import", "osv", "one.json");
  const roles = ["root", "targets", "snapshot", "timestamp", "critical"].flatMap((role) => [
    "--key",
    `${role}=alice.pub`,
  ]);
  await run("root", "feed", "--feed", "test", ...roles, "--key", "critical=bob.pub");
  const sign = async (): Promise<void> => {
    await run("sign", "feed", "--key", "alice");
    await run("sign", "feed", "critical", "--key", "bob");
  };
  await run("sign", "feed", "root", "--key", "alice");
  await run("publish", "feed", "--collection", "advisories.jsonl");
  await sign();
  const url = await serve(context, keys.path("feed"));
  await run("update", url, "--root", "feed/1.root.json");

  writeFileSync(keys.path("yesterday.jsonl"), keys.read("advisories.jsonl"));
  keys.write("one.json", advisory("TEAM-1", "1.1"));
  keys.write("two.json", advisory("TEAM-2", "3.0"));
  await run("import", "osv", "one.json", "two.json");
  await run("publish", "feed", "--collection", "advisories.jsonl", "--since", "yesterday.jsonl");
  await sign();
  const updated = JSON.parse(await run("update", url, "--json")) as Record<string, unknown>;
  assert.deepEqual(
    [updated["fetched"], updated["layers"], updated["advisories"], updated["version"]],
    [1, 2, 2, 2],
  );

  keys.write("paths", `/nix/store/${"0".repeat(32)}-foo-1.1\n`);
  const { code, output } = await nixseal(keys.directory, "advisories", "match", "paths", "--json");
  assert.equal(code, 1);
  const { findings } = JSON.parse(output) as { findings: { id: string }[] };
  assert.deepEqual(
    findings.map(({ id }) => id),
    ["TEAM-2"],
    "the newer TEAM-1 has the last word",
  );
});

test("signatures of the feed are plain SSHSIG: ssh-keygen verifies them", async (context) => {
  const keys = new Keygen(context);
  for (const name of ["alice", "bob"]) keys.key(name);
  const roles = ["root", "targets", "snapshot", "timestamp", "critical"].flatMap((role) => [
    "--key",
    `${role}=alice.pub`,
  ]);
  const made = await nixseal(
    keys.directory,
    "advisories",
    "root",
    "feed",
    "--feed",
    "test",
    ...roles,
    "--key",
    "critical=bob.pub",
  );
  assert.equal(made.code, 0, made.output);
  const refused = await nixseal(keys.directory, "advisories", "sign", "feed", "--key", "bob");
  assert.equal(refused.code, 4, refused.output);
  assert.equal((await nixseal(keys.directory, "advisories", "sign", "feed", "--key", "alice")).code, 0);
  const { payload, signatures } = JSON.parse(keys.text("feed/1.root.json")) as {
    payload: string;
    signatures: string[];
  };
  keys.write("signers", `alice ${keys.text("alice.pub")}`);
  keys.write("root.sig", signatures[0]!);
  keys.run(
    ["-Y", "verify", "-f", "signers", "-I", "alice", "-n", "nixseal-feed-root@v1", "-s", "root.sig"],
    Buffer.from(payload, "base64"),
  );
});
