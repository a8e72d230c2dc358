/** Many real sshd on this machine, each at an address of its own (Debian: openssh-server). */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";

/**
 * One process listens at all addresses, and each connection gets an `sshd -i` of its own with the socket itself: so two hundred
 * hosts cost no more than those of them that somebody talks to.
 */
export class LoopbackSshd {
  /** Connections taken, by host. */
  readonly connections = new Map<string, number>();
  readonly #servers: Server[] = [];
  readonly #children = new Set<ReturnType<typeof spawn>>();

  constructor() {
    // Debian's unit makes this directory at boot; without it sshd started by root refuses to run.
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  }

  /** Listens at the address; the port is the answer. `config`: the file of its sshd_config(5). */
  async listen(name: string, address: string, config: string): Promise<number> {
    this.connections.set(name, 0);
    // Nobody here reads a byte of it: it is the child's.
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      this.connections.set(name, this.connections.get(name)! + 1);
      socket.on("error", () => undefined);
      const child = spawn("/usr/sbin/sshd", ["-i", "-f", config], { stdio: [socket, socket, "ignore"] });
      this.#children.add(child);
      child.on("close", () => this.#children.delete(child));
      socket.destroy();
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    return (server.address() as AddressInfo).port;
  }

  get total(): number {
    return [...this.connections.values()].reduce((sum, one) => sum + one, 0);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const child of this.#children) child.kill();
  }
}
