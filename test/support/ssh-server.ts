/** A real sshd on a free port of this machine (Debian: openssh-server). Each connection gets a process of its own. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";

export async function sshServer(
  context: TestContext,
  directory: string,
  hostKeys: readonly string[],
  settings: readonly string[] = [],
  /** Asked for each connection; false hangs up. */
  admit: () => boolean = () => true,
): Promise<number> {
  // Debian's unit makes this directory at boot; without it sshd started by root refuses to run.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const config = join(directory, "sshd_config");
  writeFileSync(config, [...hostKeys.map((file) => `HostKey ${file}`), ...settings, ""].join("\n"));
  const children = new Set<ReturnType<typeof spawn>>();
  const server = createServer((socket) => {
    if (!admit()) {
      socket.destroy();
      return;
    }
    const child = spawn("/usr/sbin/sshd", ["-i", "-f", config], { stdio: ["pipe", "pipe", "ignore"] });
    children.add(child);
    socket.pipe(child.stdin);
    child.stdout.pipe(socket);
    for (const stream of [socket, child.stdin, child.stdout]) stream.on("error", () => child.kill());
    socket.on("close", () => child.kill());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    for (const child of children) child.kill("SIGKILL");
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
