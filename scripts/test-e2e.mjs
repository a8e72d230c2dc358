// npm run test:e2e [-- NAME…] [-- --node-test-option…]: the tests under test/e2e, on real systemd hosts in
// containers. Needs root on a Debian; installs and builds what it needs. Leaves nothing behind but a cache,
// however it ends: what a killed run could not remove (empty cgroups), the next one removes.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endBefore, onPath, run, setUp, top } from "./setup.mjs";

const deadline = Date.now() + 20 * 60_000;
const tests = join(top, "dist/test/e2e");
const setUpDone = "--set-up-done";

endBefore(deadline);
if (!process.argv.includes(setUpDone)) {
  setUp({
    age: "age",
    ip: "iproute2",
    mmdebstrap: "mmdebstrap",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
  });
}
if (process.getuid() !== 0) {
  if (!onPath("sudo")) throw new Error("real hosts need root: run this as root, or install sudo");
  // As root nothing is built, so that the checkout stays the user's.
  run("sudo", [process.execPath, ...process.argv.slice(1), setUpDone]);
  process.exit(0);
}
const { contained } = await import(join(tests, "contained.js"));
const { removeCgroup } = await import(join(tests, "cgroup.js"));
const { rootfs } = await import(join(tests, "rootfs.js"));
const cgroups = cgroupDirectory();
removeStaleCgroups();
const tree = await rootfs(deadline - Date.now());
process.exitCode = await runTests(process.argv.slice(2).filter((argument) => argument !== setUpDone));

function cgroupDirectory() {
  const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"));
  if (mounted === null)
    throw new Error("no cgroup2 is mounted on this machine: systemd hosts cannot run here");
  return mounted[1];
}

/** Both numbers together name one process for ever: a pid alone is used again. */
function startedAt(pid) {
  const file = `/proc/${pid}/stat`;
  // Field 22; the second field, in parentheses, may contain anything.
  return existsSync(file) ? readFileSync(file, "utf8").split(") ").at(-1).split(" ")[19] : undefined;
}

function removeStaleCgroups() {
  for (const name of readdirSync(cgroups)) {
    const [, owner, start] = /^nixseal-e2e-(\d+)-(\d+)$/.exec(name) ?? [];
    if (owner !== undefined && startedAt(owner) !== start) removeCgroup(join(cgroups, name));
  }
}

/** Runs the tests in namespaces of their own and gives the exit code. */
async function runTests(given) {
  const named = given.filter((argument) => !argument.startsWith("-"));
  const options = given.filter((argument) => argument.startsWith("-"));
  const all = readdirSync(tests).filter((name) => name.endsWith(".test.js"));
  const files = named.length > 0 ? named.map((name) => `${name}.test.js`) : all;
  const cgroup = `nixseal-e2e-${process.pid}-${startedAt(process.pid)}`;
  const env = { ...process.env, NIXSEAL_E2E_CGROUP: cgroup, NIXSEAL_E2E_ROOTFS: tree };
  const lab = [...contained, "--net", process.execPath, join(tests, "lab.js"), ...options];
  const [program, ...args] = [...lab, ...files.map((name) => join(tests, name))];
  const child = spawn(program, args, { cwd: top, stdio: ["ignore", "inherit", "inherit"], env });
  // `unshare` passes its own death on to everything inside.
  const kill = () => child.kill("SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, kill);
  const timer = setTimeout(() => {
    console.error("the end-to-end tests took more than 20 minutes");
    kill();
  }, deadline - Date.now());
  const code = await new Promise((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  clearTimeout(timer);
  for (let tries = 0; tries < 200 && !removeCgroup(join(cgroups, cgroup)); tries++) await sleep(50);
  return code;
}
