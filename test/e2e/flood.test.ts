import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { top } from "../console.ts";
import { run, tail, type Result } from "./command.ts";
import { GateFleet } from "./gate-fleet.ts";
import { all, assertSettled, systemsOf } from "./gate-state.ts";
import { addSystem } from "./gate-system.ts";
import type { Host } from "./host.ts";
import { bridge, network } from "./lab-layout.ts";
import { until } from "./until.ts";

const many = 10_000;

/**
 * Keeps ten thousand connections up, as far as the other side lets it: the even ones say one byte and then nothing, the odd ones a byte a
 * second. What is refused or ended is tried again a second later. `to` is what net.connect takes. Each second it tells how often it was let in.
 */
function flood(to: unknown, first: string, seconds: number): string {
  return `
const { connect } = require("node:net");
let opened = 0;
const keep = (n) => {
  const socket = connect(${JSON.stringify(to)}, () => {
    opened++;
    socket.write(${JSON.stringify(first)});
    if (n % 2 === 0) return;
    const slowly = setInterval(() => socket.write(" "), 1000);
    socket.once("close", () => clearInterval(slowly));
  });
  socket.on("error", () => {}).once("close", () => setTimeout(keep, 1000, n));
};
for (let n = 0; n < ${many}; n++) keep(n);
setInterval(() => console.log(opened), 1000);
setTimeout(() => process.exit(), ${seconds * 1000});
`;
}

const socketUnit = "nixseal-gate.socket";

/** What systemd says of the socket: connections that are served, that ever were, and that were refused. */
async function socketState(host: Host) {
  const properties = "NConnections,NAccepted,NRefused,SubState,Result";
  const text = await host.run(["systemctl", "show", socketUnit, `--property=${properties}`]);
  const shown = new Map(text.split("\n").map((line) => line.split("=", 2) as [string, string]));
  const number = (name: string): number => Number(shown.get(name));
  return {
    served: number("NConnections"),
    accepted: number("NAccepted"),
    refused: number("NRefused"),
    state: `${shown.get("SubState")} ${shown.get("Result")}`,
  };
}

/** Of the processes of the root side: how many, and their memory in bytes, what they share counted once. */
async function rootSide(host: Host): Promise<{ processes: number; memory: number }> {
  const script = `for process in /proc/[0-9]*; do
    grep -qs 'nixseal-gate@' $process/cgroup && awk '/^Pss:/ {print $2}' $process/smaps_rollup 2>/dev/null; done; true`;
  const sizes = (await host.run(["sh", "-c", script])).split("\n").filter((line) => line !== "");
  return { processes: sizes.length, memory: sizes.reduce((sum, size) => sum + 1024 * Number(size), 0) };
}

/** How many wait in the kernel's queue, to which no process belongs. */
async function queued(host: Host): Promise<number> {
  const line = await host.run(["ss", "-xlH", "src", "/run/nixseal-gate.sock"]);
  return Number(line.trim().split(/\s+/)[2]);
}

/** What an operator does who is told to try again; how often it took. */
async function again(bound: number, work: () => Promise<Result>): Promise<number> {
  let tries = 0;
  let last = "";
  const worked = async (): Promise<true | undefined> => {
    tries++;
    const { code, stderr } = await work();
    last = stderr;
    return code === 0 ? true : undefined;
  };
  await until("an honest operator gets through", bound, worked).catch((cause: unknown) => {
    throw new Error(`not one of ${tries} tries got through: ${last}`, { cause });
  });
  return tries;
}

test("ten thousand connections of the deploy user to the root side's socket: sixteen are served, and it stays open", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t);
  const file = await fleet.deliver(host, await addSystem(fleet.store, "flooded"));
  const asDeploy = ["setpriv", "--reuid=deploy", "--regid=deploy", "--init-groups", "--reset-env", "--"];
  const script = flood({ path: "/run/nixseal-gate.sock" }, "{", 32);
  // More open files than a session of the deploy user may have: one process does what many sessions could.
  const flooding = ["prlimit", `--nofile=${2 * many}`, ...asDeploy, "/usr/local/bin/node", "--eval", script];
  const managerFiles = async (): Promise<number> =>
    Number(await host.run(["sh", "-c", "ls /proc/1/fd | wc -l"]));
  const before = await managerFiles();
  const over = host.run(flooding, { timeout: 60_000 });

  const held = await until("it is full and refuses", 20_000, async () => {
    const state = await socketState(host);
    return state.served === 16 && state.refused >= 300 ? state : undefined;
  });
  assert.equal(held.state, "listening success");
  // The others wait outside, and cost the gate nothing: 128 in the kernel's queue, what is more not even there.
  assert.ok((await queued(host)) <= 129);
  const { processes, memory } = await rootSide(host);
  assert.ok(processes <= 16, `${processes} processes`);
  assert.ok(memory < 16 * (100 << 20), `${memory} bytes`);
  // Some for each unit, none for what was refused.
  const kept = (await managerFiles()) - before;
  assert.ok(kept <= 16 * 8, `the system manager has ${kept} more files open`);
  t.diagnostic(
    `${processes} processes with ${memory >> 20} MiB, ${await queued(host)} in the queue, ${kept} more files of the manager's`,
  );
  // Root does not go by the socket.
  const status = await host.run(["nixseal-agent", "activate"], { input: '{"kind":"status"}\n' });
  assert.match(status, /"ok":true/);
  // An operator gets a place by luck only, and is told what it is.
  const during = await fleet.gate("status", "web");
  const told = /too many connections wait|the other side ended the connection|gave no answer/;
  if (during.code !== 0) assert.match(during.stderr, told);
  t.diagnostic(`meanwhile an operator hears: ${during.code} ${during.stderr.trim()}`);

  // The silent ones are ended after 30 seconds, and others take their places.
  await until("silence is ended", 45_000, async () =>
    (await socketState(host)).accepted > held.accepted ? true : undefined,
  );
  await over;
  const since = Date.now();
  const tries = await again(20_000, () => fleet.gate("status", "web"));
  const { refused } = await socketState(host);
  await until("the system manager keeps none of their files", 10_000, async () =>
    (await managerFiles()) <= before + 8 ? true : undefined,
  );
  t.diagnostic(`status after ${Date.now() - since} ms and ${tries} tries; ${refused} were refused in all`);
  const { code, stderr } = await fleet.gate("activate", file);
  assert.equal(code, 0, stderr);
  assert.equal((await socketState(host)).state, "listening success");
  await assertSettled(fleet, host);
});

/** What docs/gate.md says to add to sshd's settings. */
function recommendedSettings(): string {
  const found = /```sshd_config\n([\s\S]*?)```/.exec(readFileSync(join(top, "docs/gate.md"), "utf8"));
  assert.ok(found);
  return found[1]!;
}

test("ten thousand connections to sshd from one address, and more sessions of one key than it has places: others deploy meanwhile", async (t) => {
  const fleet = new GateFleet(t);
  const { host } = await fleet.startHost(t);
  const settings = recommendedSettings().replace("UnusedConnectionTimeout 1m", "UnusedConnectionTimeout 5");
  assert.notEqual(settings, recommendedSettings());
  await host.copyIn("/etc/ssh/sshd_config.d/05-many.conf", settings);
  await host.run(["systemctl", "reload", "ssh"]);
  const flooder = `${network}.254`;
  await run(["ip", "address", "add", `${flooder}/24`, "dev", bridge]);
  t.after(() => run(["ip", "address", "delete", `${flooder}/24`, "dev", bridge]));
  const to = `deploy@${host.address}`;
  const open = (words: readonly string[]) => {
    const argv = [...fleet.sshOptions("mallory"), "-b", flooder, ...words];
    const child = spawn("ssh", argv, { stdio: ["pipe", "ignore", "ignore"] });
    t.after(() => child.kill("SIGKILL"));
    return child;
  };
  const processes = async (user: string, name: string): Promise<number> =>
    Number(await host.run(["pgrep", "-c", "-u", user, "-x", name], { codes: [0, 1] }));
  const receivers = (): Promise<number> => processes("deploy", "node");
  const sshProcesses = (user: string): Promise<number> => processes(user, "sshd-session");

  // A login that does nothing is ended, and gives its processes back.
  const idle = open(["-N", to]);
  // Four of one key are served, however many there are. Sshd takes five at once of one address.
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 4; n++) open([to, "nix-store", "--serve", "--write"]);
    await until("they are served or told", 15_000, async () =>
      (await receivers()) === 4 ? true : undefined,
    );
  }

  const script = flood({ host: host.address, port: 22, localAddress: flooder }, "S", 60);
  const flooding = spawn("prlimit", [`--nofile=${2 * many}`, execPath, "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => flooding.kill("SIGKILL"));
  let opened = 0;
  flooding.stdout.setEncoding("utf8").on("data", (text) => (opened = Number(tail(text, 1))));
  await until("ten thousand have come", 30_000, () => (opened >= many ? true : undefined));
  const started = Date.now();
  const system = await addSystem(fleet.store, "meanwhile");
  const tries = await again(20_000, () => fleet.gate("status", "web"));
  const file = await fleet.deliver(host, system);
  const { code, stderr } = await fleet.gate("activate", file);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await systemsOf(host), all(system));
  // Each that has logged in is a process of root's and one of the user's.
  const waiting = (await sshProcesses("root")) - (await sshProcesses("deploy"));
  assert.ok(waiting <= 10, `${waiting} connections that have not logged in`);
  assert.equal(await receivers(), 4);
  assert.equal(flooding.exitCode, null);
  t.diagnostic(
    `deployed in ${Date.now() - started} ms, ${tries} tries; ${opened} came, ${waiting} wait to log in`,
  );
  await until("the idle login is ended", 20_000, () => idle.exitCode ?? undefined);
  assert.ok((await sshProcesses("deploy")) <= 4);
  flooding.kill();
  await assertSettled(fleet, host);
});
