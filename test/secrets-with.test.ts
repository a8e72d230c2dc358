/** `secrets with`: where values are while a command runs, and that they are nowhere afterwards, however it ends. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { top } from "./console.ts";
import { nixseal, testFleet, type TestFleet } from "./support/fleet.ts";
import { sshServer } from "./support/ssh-server.ts";
import { temporaryDirectory } from "./support/temporary.ts";

interface Scene {
  readonly fleet: TestFleet;
  /** Where leases are made. */
  readonly memory: string;
}

function scene(context: TestContext): Scene {
  const fleet = testFleet(context, `[secrets.one]\nhosts = ["web"]\n\n[secrets.two]\nhosts = ["web"]\n`);
  assert.equal(fleet.run(["secrets", "set", "one"], "va\0lue\n").code, 0);
  assert.equal(fleet.run(["secrets", "set", "two"], "").code, 0);
  const memory = temporaryDirectory(context, "/dev/shm");
  fleet.env["XDG_RUNTIME_DIR"] = memory;
  return { fleet, memory };
}

/** A command that has the value open, says so, and waits until it is told to go on or is ended. */
const waiting = `trap 'echo told > told; exit 9' TERM INT
exec 4<"$NIXSEAL_LEASE/one"; echo "$NIXSEAL_LEASE" > there.tmp; mv there.tmp there
for _ in $(seq 400); do [ -e go ] && break; sleep 0.05; done; cat <&4 > read; exit 5`;

async function startWaiting(
  context: TestContext,
  { fleet }: Scene,
  words: readonly string[] = [],
): Promise<ChildProcess> {
  const child = spawn(nixseal, ["secrets", "with", "one", ...words, "--", "sh", "-c", waiting], {
    cwd: fleet.directory,
    env: fleet.env,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  context.after(() => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // All of it has ended by itself.
    }
  });
  await until(() => existsSync(fleet.file("there")));
  return child;
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1000, "it does not come");
    await sleep(20);
  }
}

/** The process that keeps the lease, as its mark says. */
function holderOf(memory: string): number {
  const [lease] = readdirSync(memory);
  return Number(/\(pid (\d+)/.exec(readFileSync(join(memory, lease!, ".held"), "utf8"))![1]);
}

test("the command finds the values, on stdin, stdout and exit code it is alone, and then they are gone", (context) => {
  const { fleet, memory } = scene(context);
  const script = `ls -A @lease@; stat -c %a @lease@ @lease@/one; cat "$NIXSEAL_LEASE/one" @lease@/two -; exit 7`;
  const result = fleet.run(["secrets", "with", "one", "two", "one", "--", "sh", "-c", script], "input");
  assert.deepEqual(result, { code: 7, stdout: ".held\none\ntwo\n700\n400\nva\0lue\ninput", stderr: "" });
  assert.deepEqual(readdirSync(memory), []);
  const readable = fleet.run([
    "secrets",
    "with",
    "one",
    "--for-sandbox",
    "--",
    "stat",
    "-c",
    "%a",
    "@lease@/one",
    "@lease@",
  ]);
  assert.equal(readable.stdout, "444\n700\n");
});

test("with --json stdout is for one document", (context) => {
  const { fleet } = scene(context);
  const result = fleet.run(["secrets", "with", "one", "--json", "--", "sh", "-c", "echo said; exit 3"]);
  assert.deepEqual(JSON.parse(result.stdout), { command: "sh", exit: 3 });
  assert.deepEqual([result.code, result.stderr], [3, "said\n"]);
});

test("what cannot begin leaves nothing", (context) => {
  const { fleet, memory } = scene(context);
  for (const [words, code] of [
    [["one"], 2],
    [["one", "--"], 2],
    [["--", "true"], 2],
    [["none", "--", "true"], 2],
    [["one", "--for", "0s", "--", "true"], 2],
    [["one", "--on=-oProxyCommand=touch x", "--", "true"], 2],
    [["one", "-i", fleet.key("bob"), "--", "true"], 4],
    [["one", "--", "no-such-program"], 2],
  ] as const)
    assert.equal(fleet.run(["secrets", "with", ...words]).code, code, words.join(" "));
  assert.deepEqual(readdirSync(memory), []);
});

test("a signal is the command's to meet, and what it makes of it is the exit code", async (context) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const here = scene(context);
    const child = await startWaiting(context, here);
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [9, null]);
    assert.ok(existsSync(here.fleet.file("told")));
    assert.deepEqual(readdirSync(here.memory), []);
  }
});

test("nixseal killed with SIGKILL: the values go, and whoever has one open reads zeros", async (context) => {
  const here = scene(context);
  const child = await startWaiting(context, here);
  child.kill("SIGKILL");
  await until(() => readdirSync(here.memory).length === 0);
  here.fleet.write("go", "");
  await until(
    () => existsSync(here.fleet.file("read")) && readFileSync(here.fleet.file("read")).length === 7,
  );
  assert.deepEqual(readFileSync(here.fleet.file("read")), Buffer.alloc(7));
});

test("the holder killed with SIGKILL: nixseal removes the values itself, and says so", async (context) => {
  const here = scene(context);
  const child = await startWaiting(context, here);
  let said = "";
  child.stderr!.on("data", (bytes: Buffer) => (said += bytes.toString()));
  process.kill(holderOf(here.memory), "SIGKILL");
  await until(() => readdirSync(here.memory).length === 0);
  here.fleet.write("go", "");
  assert.deepEqual(await once(child, "exit"), [5, null]);
  assert.match(said, /the values are gone before the command has ended/);
});

test("both killed with SIGKILL: the next lease removes what they left", async (context) => {
  const here = scene(context);
  const child = await startWaiting(context, here);
  const holder = holderOf(here.memory);
  process.kill(holder, "SIGSTOP"); // so that it cannot be quicker
  child.kill("SIGKILL");
  await once(child, "exit");
  process.kill(holder, "SIGKILL");
  const [left] = readdirSync(here.memory);
  assert.ok(existsSync(join(here.memory, left!, "one")));
  await until(() => {
    assert.equal(here.fleet.run(["secrets", "with", "one", "--", "true"]).code, 0);
    return readdirSync(here.memory).length === 0;
  });
});

test("the time is up while the command runs: it goes on without the values", async (context) => {
  const here = scene(context);
  const child = await startWaiting(context, here, ["--for", "1s"]);
  await until(() => readdirSync(here.memory).length === 0);
  here.fleet.write("go", "");
  assert.deepEqual(await once(child, "exit"), [5, null]);
});

test("on another machine: over ssh with a known key, gone with the connection, and errors that say why", async (context) => {
  const here = scene(context);
  const { fleet, memory } = here;
  const ssh = temporaryDirectory(context);
  const authorized = join(ssh, "authorized_keys");
  writeFileSync(authorized, `${fleet.publicKey("alice")}\n`, { mode: 0o600 });
  const settings = [`AuthorizedKeysFile ${authorized}`, "StrictModes no", "UsePAM no", "PermitRootLogin yes"];
  const path = `SetEnv PATH=${join(top, "bin")}:${process.env["PATH"]} XDG_RUNTIME_DIR=${memory}`;
  const port = await sshServer(context, ssh, [fleet.key("web")], [...settings, path]);
  const known = join(ssh, "known_hosts");
  writeFileSync(known, `[127.0.0.1]:${port} ${fleet.publicKey("web")}\n`);
  const elsewhere = temporaryDirectory(context, "/dev/shm");
  fleet.env["XDG_RUNTIME_DIR"] = elsewhere;
  fleet.env["NIX_SSHOPTS"] = `-i ${fleet.key("alice")} -o UserKnownHostsFile=${known} -F none`;
  const on = `--on=ssh-ng://127.0.0.1:${port}?compress=true`;

  const child = await startWaiting(context, here, [on]);
  assert.equal(readFileSync(fleet.file("there"), "utf8").startsWith(memory), true);
  assert.deepEqual(readdirSync(elsewhere), []);
  child.kill("SIGKILL");
  await until(() => readdirSync(memory).length === 0);

  const done = await new Promise<string>((resolve) => {
    const next = spawn(nixseal, ["secrets", "with", "one", on, "--", "cat", "@lease@/one"], {
      cwd: fleet.directory,
      env: fleet.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let read = "";
    next.stdout.on("data", (bytes: Buffer) => (read += bytes.toString()));
    next.on("close", (code) => resolve(`${read}${code}`));
  });
  assert.equal(done, "va\0lue\n0");
  assert.deepEqual(readdirSync(memory), []);

  const fails = async (words: readonly string[]): Promise<{ code: number; said: string }> => {
    const failing = spawn(nixseal, ["secrets", "with", "one", ...words, "--", "true"], {
      cwd: fleet.directory,
      env: fleet.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    failing.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(failing, "close")) as [number];
    return { code, said };
  };
  const without = await sshServer(
    context,
    temporaryDirectory(context),
    [fleet.key("web")],
    [...settings, "SetEnv PATH=/usr/bin:/bin"],
  );
  const unknown = await fails([`--on=ssh://127.0.0.1:${without}`]);
  assert.equal(unknown.code, 4);
  assert.match(unknown.said, /verification failed/);
  writeFileSync(known, `[127.0.0.1]:${without} ${fleet.publicKey("web")}\n`);
  const missing = await fails([`--on=ssh://127.0.0.1:${without}`]);
  assert.equal(missing.code, 2);
  assert.match(missing.said, /there is no nixseal-agent on/);
});
