// A real sshd for one host of the demo, on a port of this machine, for as long as the demo runs.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = ["/usr/sbin/sshd", "/run/current-system/sw/bin/sshd", "/usr/bin/sshd"].find(existsSync);

/** The port. `command` is what a login with that public key gets, whatever it asks for. */
export async function startSshd(directory, { hostKey, publicKey, command }) {
  // Debian's unit makes this directory at boot; without it sshd started by root refuses to run.
  if (process.getuid() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const port = await freePort();
  const [config, authorized] = ["sshd_config", "authorized_keys"].map((name) => join(directory, name));
  writeFileSync(authorized, `restrict,command="${command}" ${publicKey}`, { mode: 0o600 });
  const settings = [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorized}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
  ];
  writeFileSync(config, `${settings.join("\n")}\n`);
  const child = spawn(program, ["-D", "-f", config], { stdio: "ignore" });
  child.unref();
  process.on("exit", () => child.kill());
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 100 || child.exitCode !== null) throw new Error("sshd does not start");
    await sleep(20);
  }
  return port;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(() => resolve(true)));
    socket.on("error", () => resolve(false));
  });
}
