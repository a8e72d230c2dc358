// Runs a directory of tests on real hosts: as root, in namespaces of their own, with a bound on the whole. Installs and
// builds what they need. Leaves nothing behind but a cache, however it ends: what a killed run could not remove (empty
// cgroups), the next one removes.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endBefore, onPath, run, setUp, top } from "./setup.mjs";

const setUpDone = "--set-up-done";

/**
 * `directory` is below dist/test, `minutes` bounds everything, `programs` are wanted beside those of the hosts.
 * `prepare` may give more environment; it runs while there is still a network. `options` are for `node --test`.
 */
export async function testOnRealHosts({
  directory,
  minutes,
  programs = {},
  prepare = nothingMore,
  options = [],
}) {
  const deadline = Date.now() + minutes * 60_000;
  endBefore(deadline);
  if (!process.argv.includes(setUpDone)) {
    setUp({
      age: "age",
      ip: "iproute2",
      mmdebstrap: "mmdebstrap",
      "ssh-keygen": "openssh-client",
      "systemd-nspawn": "systemd-container",
      ...programs,
    });
  }
  if (process.getuid() !== 0) {
    if (!onPath("sudo")) throw new Error("real hosts need root: run this as root, or install sudo");
    // As root nothing is built, so that the checkout stays the user's.
    run("sudo", [process.execPath, ...process.argv.slice(1), setUpDone]);
    process.exit(0);
  }
  const { rootfs } = await import(join(top, "dist/test/e2e/rootfs.js"));
  const env = {
    NIXSEAL_E2E_ROOTFS: await rootfs(deadline - Date.now()),
    ...(await prepare(deadline - Date.now())),
  };
  const tests = join(top, "dist/test", directory);
  const given = process.argv.slice(2).filter((argument) => argument !== setUpDone);
  const named = given.filter((argument) => !argument.startsWith("-"));
  const all = readdirSync(tests).filter((name) => name.endsWith(".test.js"));
  const files = (named.length > 0 ? named.map((name) => `${name}.test.js`) : all).map((name) =>
    join(tests, name),
  );
  const more = given.filter((argument) => argument.startsWith("-"));
  process.exitCode = await runInNamespaces([...options, ...more, ...files], env, deadline);
}

const nothingMore = async (_milliseconds) => ({});

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

function removeStaleCgroups(cgroups, removeCgroup) {
  for (const name of readdirSync(cgroups)) {
    const [, owner, start] = /^nixseal-e2e-(\d+)-(\d+)$/.exec(name) ?? [];
    if (owner !== undefined && startedAt(owner) !== start) removeCgroup(join(cgroups, name));
  }
}

/** Runs `node --test` with these arguments in namespaces of its own and gives the exit code. */
async function runInNamespaces(args, more, deadline) {
  const harness = join(top, "dist/test/e2e");
  const { contained } = await import(join(harness, "contained.js"));
  const { removeCgroup } = await import(join(harness, "cgroup.js"));
  const cgroups = cgroupDirectory();
  removeStaleCgroups(cgroups, removeCgroup);
  const cgroup = `nixseal-e2e-${process.pid}-${startedAt(process.pid)}`;
  const env = { ...process.env, ...more, NIXSEAL_E2E_CGROUP: cgroup };
  const [program, ...before] = [...contained, "--net", process.execPath, join(harness, "lab.js")];
  const child = spawn(program, [...before, ...args], {
    cwd: top,
    stdio: ["ignore", "inherit", "inherit"],
    env,
  });
  // `unshare` passes its own death on to everything inside.
  const kill = () => child.kill("SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, kill);
  const timer = setTimeout(() => {
    console.error("the tests took too long");
    kill();
  }, deadline - Date.now());
  const code = await new Promise((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  clearTimeout(timer);
  for (let tries = 0; tries < 200 && !removeCgroup(join(cgroups, cgroup)); tries++) await sleep(50);
  return code;
}
