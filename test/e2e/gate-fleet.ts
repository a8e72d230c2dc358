import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { attempt, run, type Result } from "./command.ts";
import { startHost, type Host } from "./host.ts";
import { OperatorStore } from "./operator-store.ts";

const program = fileURLToPath(new URL("../../../bin/nixseal", import.meta.url));

/** Who has which rights. `ci` carries and orders nothing; `mallory` may upload and wants more. */
const members = {
  alice: "activate,upload",
  bob: "activate",
  ci: "upload",
  mallory: "upload",
} as const;
export type Member = keyof typeof members;

/** An operator's side: a fleet with a root whose warrants need two members, their keys and certificates, and a Nix store. */
export class GateFleet {
  readonly base: string;
  readonly directory: string;
  readonly store: OperatorStore;
  readonly #env: NodeJS.ProcessEnv;

  constructor(test: TestContext) {
    this.base = mkdtempSync(join(tmpdir(), "nixseal-gate-"));
    test.after(() => rmSync(this.base, { recursive: true, force: true }));
    this.directory = join(this.base, "fleet");
    for (const name of ["fleet", "home/.ssh"])
      mkdirSync(join(this.base, name), { recursive: true, mode: 0o700 });
    this.#env = { ...process.env, HOME: join(this.base, "home"), NO_COLOR: "1" };
    this.store = new OperatorStore(join(this.base, "store"), this.sshOptions("alice"));
  }

  key(member: Member): string {
    return member === "alice" ? join(this.base, "home/.ssh/id_ed25519") : join(this.base, member);
  }

  /** Boots a host that `nixseal host setup` has made one with a gate. With it the fleet comes into being. */
  async startHost(test: TestContext, name: string, setup: readonly string[] = [], files = {}): Promise<Host> {
    const host = await startHost(name, {
      files,
      prepare: async (root, hostKey) => {
        await this.#make(name, hostKey.public);
        const words = ["--root", root, "--group", "nix-users", ...setup];
        await this.nixseal("host", "setup", name, ...words);
        await run(["systemd-sysusers", `--root=${root}`, "nixseal.conf"]);
      },
    });
    test.after(() => host.destroy());
    writeFileSync(join(this.base, "known_hosts"), `${host.address} ${host.hostKey.public}\n`, { flag: "a" });
    return host;
  }

  async #make(name: string, hostKey: string): Promise<void> {
    const lines = [`[fleet]\nname = "lab"\n\n[hosts.${name}]\nhost_keys = ["${hostKey}"]\nuser = "deploy"\n`];
    for (const member of Object.keys(members) as Member[]) {
      const key = this.key(member);
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", member, "-f", key]);
      const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
      lines.push(`[members.${member}]\nkeys = ["${publicKey}"]\n`);
    }
    writeFileSync(join(this.directory, "fleet.toml"), lines.join("\n"));
    await run(["git", "init", "--quiet", this.directory]);
    await this.nixseal("trust", "init", "--warrant-threshold", "2");
    for (const [member, rights] of Object.entries(members))
      await this.nixseal("trust", "issue", member, "--rights", rights, "--hosts", "*", "--for", "12h");
  }

  /** Runs `nixseal` in the fleet; it must succeed. */
  async nixseal(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryNixseal(...words);
    if (code === 0) return stdout;
    throw new Error(`nixseal ${words.join(" ")}: exit ${code}\n${stdout}${stderr}`);
  }

  tryNixseal(...words: readonly string[]): Promise<Result> {
    return attempt([execPath, program, ...words, "--fleet", this.directory], { env: this.#env });
  }

  sshOptions(member: Member): string[] {
    const options = ["StrictHostKeyChecking=yes", "BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=10"];
    const known = `UserKnownHostsFile=${join(this.base, "known_hosts")}`;
    return ["-F", "/dev/null", "-i", this.key(member), ...[...options, known].flatMap((one) => ["-o", one])];
  }

  /** Runs ssh as this member, whatever comes of it. */
  ssh(
    member: Member,
    host: Host,
    command: readonly string[],
    input: string | Uint8Array = "",
  ): Promise<Result> {
    const argv = ["ssh", ...this.sshOptions(member), `deploy@${host.address}`, ...command];
    return attempt(argv, { input, timeout: 120_000 });
  }

  /** The next warrant for a system, signed by alice and bob; the path of its file. */
  async warrant(host: string, toplevel: string, action = "switch"): Promise<string> {
    const store = ["--store", this.store.directory];
    const made = await this.nixseal(
      "warrant",
      "create",
      host,
      "--toplevel",
      toplevel,
      "--action",
      action,
      ...store,
    );
    const file = join(this.directory, /^created (\S+)/m.exec(made)![1]!);
    await this.nixseal("warrant", "sign", file, "--yes");
    await this.nixseal("warrant", "sign", file, "--yes", "--key", this.key("bob"));
    return file;
  }
}
