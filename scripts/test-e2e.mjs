// npm run test:e2e [-- NAME…] [-- --node-test-option…]: the tests under test/e2e, on real systemd hosts in
// containers. Needs root on a Debian; installs and builds what it needs. Leaves nothing behind but a cache,
// however it ends: what a killed run could not remove (empty cgroups), the next one removes.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process, { argv, execPath, exit, pid, stdout } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("..", import.meta.url));
const tests = join(top, "dist/test/e2e");
const deadline = Date.now() + 20 * 60_000;
const debianPackages = ["iproute2", "mmdebstrap", "openssh-client", "systemd-container"];

installNodePackages();
step("npm", "run", "--silent", "build");
if (process.getuid() !== 0) {
  step("sudo", execPath, ...argv.slice(1));
  exit(0);
}
installDebianPackages();
const { contained } = await import(join(tests, "contained.js"));
const { removeCgroup } = await import(join(tests, "cgroup.js"));
const { rootfs } = await import(join(tests, "rootfs.js"));
const cgroups = cgroupDirectory();
removeStaleCgroups();
const tree = await rootfs(deadline - Date.now());
exit(await runTests());

/** Runs a step of the set-up; the whole run ends when it fails. */
function step(program, ...args) {
  const options = { cwd: top, stdio: "inherit", timeout: deadline - Date.now(), killSignal: "SIGKILL" };
  const { status, error } = spawnSync(program, args, options);
  if (status === 0) return;
  stdout.write(`${program} ${args.join(" ")}: ${error?.message ?? `exit ${status}`}\n`);
  exit(status ?? 1);
}

function installNodePackages() {
  const [wanted, there] = ["package-lock.json", "node_modules/.package-lock.json"].map((name) =>
    join(top, name),
  );
  if (existsSync(there) && statSync(there).mtimeMs >= statSync(wanted).mtimeMs) return;
  stdout.write("installing the npm packages of package-lock.json\n");
  step("npm", "ci", "--ignore-scripts");
}

function installDebianPackages() {
  const missing = debianPackages.filter((name) => {
    const query = ["--show", "--showformat=${db:Status-Status}", name];
    return spawnSync("dpkg-query", query, { encoding: "utf8" }).stdout !== "installed";
  });
  if (missing.length === 0) return;
  stdout.write(`installing the Debian packages ${missing.join(" ")}\n`);
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"];
  step(...apt, "update");
  step(...apt, "install", "--yes", "--no-install-recommends", ...missing);
}

function cgroupDirectory() {
  const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"));
  if (mounted !== null) return mounted[1];
  stdout.write("no cgroup2 is mounted on this machine: systemd hosts cannot run here\n");
  exit(1);
}

/** Both numbers together name one process for ever: a pid alone is used again. */
function startedAt(process) {
  const file = `/proc/${process}/stat`;
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
async function runTests() {
  const named = argv.slice(2).filter((argument) => !argument.startsWith("-"));
  const options = argv.slice(2).filter((argument) => argument.startsWith("-"));
  const all = readdirSync(tests).filter((name) => name.endsWith(".test.js"));
  const files = named.length > 0 ? named.map((name) => `${name}.test.js`) : all;
  const cgroup = `nixseal-e2e-${pid}-${startedAt(pid)}`;
  const env = { ...process.env, NIXSEAL_E2E_CGROUP: cgroup, NIXSEAL_E2E_ROOTFS: tree };
  const lab = [...contained, "--net", execPath, join(tests, "lab.js"), ...options];
  const [program, ...args] = [...lab, ...files.map((name) => join(tests, name))];
  const child = spawn(program, args, { cwd: top, stdio: ["ignore", "inherit", "inherit"], env });
  // `unshare` passes its own death on to everything inside.
  const kill = () => child.kill("SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, kill);
  const timer = setTimeout(() => {
    stdout.write("the end-to-end tests took more than 20 minutes\n");
    kill();
  }, deadline - Date.now());
  const code = await new Promise((resolve) => child.once("close", (status) => resolve(status ?? 1)));
  clearTimeout(timer);
  for (let tries = 0; tries < 200 && !removeCgroup(join(cgroups, cgroup)); tries++) await sleep(50);
  return code;
}
