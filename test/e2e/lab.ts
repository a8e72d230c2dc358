// The inside of a run: the first process of a PID, mount and network namespace of its own, started by
// scripts/test-e2e.mjs. When it ends, however it ends, the kernel removes the hosts with their processes,
// mounts and network devices. Only empty cgroup directories stay; the script removes them.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { argv, env, execPath, exit, pid, stderr } from "node:process";
import { run } from "./command.ts";
import { bridge, clientKey, hostsDirectory, labCgroup, network } from "./lab-layout.ts";

if (pid !== 1) {
  stderr.write("start this through npm run test:e2e: it mounts over /run\n");
  exit(2);
}
// No socket of the machine's own systemd, D-Bus or nix is in reach of a test.
await run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"]);
// Also where the machine has the cgroups of version 1 beside it: systemd-nspawn finds version 2 alone.
await run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"]);
mkdirSync(hostsDirectory, { recursive: true });
mkdirSync(labCgroup(env));
await run(["ip", "link", "set", "lo", "up"]);
await run(["ip", "link", "add", bridge, "type", "bridge", "forward_delay", "0"]);
await run(["ip", "address", "add", `${network}.1/24`, "dev", bridge]);
await run(["ip", "link", "set", bridge, "up"]);
await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", clientKey]);
// Longer than any test file takes on a busy machine, and short enough to say which one hung.
// Hosts mostly wait for each other and for the disk: more files at a time than there are cores.
const options = ["--test", "--test-reporter=spec", "--test-timeout=600000", "--test-concurrency=3"];
exit(spawnSync(execPath, [...options, ...argv.slice(2)], { stdio: "inherit" }).status ?? 1);
