import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { attempt, run, type Result } from "./command.ts";
import { startHost, type Host } from "./host.ts";
import { addSystem, bootFiles, healthCheck, installSystem } from "./gate-system.ts";
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

/** Where what has to be undone is put: a test, or a suite's own list. */
export interface Undoing {
  after(work: () => unknown): void;
}

export interface GateHost {
  readonly host: Host;
  /** The system that it was installed with. */
  readonly former: string;
}

/** An operator's side: a fleet with a root whose warrants need two members, their keys and certificates, and a Nix store. */
export class GateFleet {
  readonly base: string;
  readonly directory: string;
  readonly store: OperatorStore;
  readonly #env: NodeJS.ProcessEnv;

  constructor(test: Undoing) {
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

  /** The secret key of a cache that the root names, in a file. */
  get cacheKey(): string {
    return join(this.base, "cache-1");
  }

  /** Boots the fleet's host, a system of its own on it, that `nixseal host setup` has made one with a gate. */
  async startHost(test: Undoing, setup: readonly string[] = []): Promise<GateHost> {
    const former = await addSystem(this.store, "former", { onTest: "ip link set host0 up" });
    const host = await startHost("web", {
      files: bootFiles,
      prepare: async ({ root, address, hostKey }) => {
        await this.#make(address, hostKey.public);
        const words = ["--root", root, "--group", "nix-users", ...healthCheck, ...setup];
        await this.nixseal("host", "setup", "web", ...words);
        await run(["systemd-sysusers", `--root=${root}`, "nixseal.conf"]);
        await installSystem(root, this.store, former);
      },
    });
    test.after(() => host.destroy());
    writeFileSync(join(this.base, "known_hosts"), `${host.address} ${host.hostKey.public}\n`);
    return { host, former };
  }

  async #make(address: string, hostKey: string): Promise<void> {
    const lines = [
      `[fleet]\nname = "lab"\n\n[hosts.web]\naddress = "${address}"\nhost_keys = ["${hostKey}"]\nuser = "deploy"\n`,
    ];
    for (const member of Object.keys(members) as Member[]) {
      const key = this.key(member);
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", member, "-f", key]);
      const publicKey = readFileSync(`${key}.pub`, "utf8").trim();
      lines.push(`[members.${member}]\nkeys = ["${publicKey}"]\n`);
    }
    writeFileSync(join(this.directory, "fleet.toml"), lines.join("\n"));
    await run(["git", "init", "--quiet", this.directory]);
    const cache = [
      "nix-store",
      "--generate-binary-cache-key",
      "cache-1",
      this.cacheKey,
      `${this.cacheKey}.pub`,
    ];
    await this.store.nix(...cache);
    const upstream = readFileSync(`${this.cacheKey}.pub`, "utf8").trim();
    await this.nixseal("trust", "init", "--warrant-threshold", "2", "--upstream", upstream);
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
    const argv = [execPath, program, ...words, "--fleet", this.directory];
    return attempt(argv, { env: this.#env, timeout: 120_000 });
  }

  sshOptions(member: Member): string[] {
    const options = ["StrictHostKeyChecking=yes", "BatchMode=yes", "IdentitiesOnly=yes", "ConnectTimeout=10"];
    const known = `UserKnownHostsFile=${join(this.base, "known_hosts")}`;
    return ["-F", "/dev/null", "-i", this.key(member), ...[...options, known].flatMap((one) => ["-o", one])];
  }

  /** Runs ssh with this member's key and these words of its own. */
  sshWith(member: Member, words: readonly string[]): Promise<Result> {
    return attempt(["ssh", ...this.sshOptions(member), ...words]);
  }

  /** Gives the deploy user a command as this member, whatever comes of it. */
  ssh(
    member: Member,
    host: Host,
    command: readonly string[],
    input: string | Uint8Array = "",
  ): Promise<Result> {
    const argv = ["ssh", ...this.sshOptions(member), `deploy@${host.address}`, ...command];
    return attempt(argv, { input, timeout: 120_000 });
  }

  /** The same store, used by a member who logs in with another key. */
  storeAs(member: Member): OperatorStore {
    return new OperatorStore(this.store.directory, this.sshOptions(member));
  }

  /** The member's certificate, as it was issued. */
  certificateOf(member: Member): string {
    const directory = join(this.directory, "trust/certificates");
    const found = readdirSync(directory).find((name) => name.startsWith(`${member}.`));
    if (found === undefined) throw new Error(`no certificate of ${member}`);
    return join(directory, found);
  }

  /** A verb of `nixseal gate`, as alice; whatever comes of it. */
  gate(verb: string, ...words: readonly string[]): Promise<Result> {
    return this.tryNixseal("gate", verb, ...words, "-i", this.key("alice"));
  }

  /** The next warrant for a system, signed by alice and bob, and offered to the host; the path of its file. */
  async order(toplevel: string, action = "switch"): Promise<string> {
    const store = ["--store", this.store.directory];
    const words = ["--toplevel", toplevel, "--action", action, ...store];
    const made = await this.nixseal("warrant", "create", "web", ...words);
    const file = join(this.directory, /^created (\S+)/m.exec(made)![1]!);
    await this.nixseal("warrant", "sign", file, "--yes");
    await this.nixseal("warrant", "sign", file, "--yes", "--key", this.key("bob"));
    await this.nixseal("gate", "offer", file, "-i", this.key("alice"));
    return file;
  }

  /** A plan for that system, whose order bob has signed; the path of its file. */
  async plan(toplevel: string): Promise<string> {
    const file = join(this.base, "plan.json");
    const words = ["--toplevel", toplevel, "--store", this.store.directory, "--identity", this.key("alice")];
    const made = await this.nixseal("deploy", "plan", "web", ...words, "--out", file, "--json");
    const { hosts } = JSON.parse(made) as { hosts: readonly { warrant: { file: string } }[] };
    const order = join(this.directory, hosts[0]!.warrant.file);
    await this.nixseal("warrant", "sign", order, "--yes", "--key", this.key("bob"));
    return file;
  }

  /** Carries a plan out as alice; whatever comes of it. */
  apply(plan: string): Promise<Result> {
    const words = ["--yes", "--store", this.store.directory, "--identity", this.key("alice")];
    return this.tryNixseal("deploy", "apply", plan, ...words);
  }

  /** The same, with its paths sent by stock Nix. */
  async deliver(host: Host, toplevel: string): Promise<string> {
    const file = await this.order(toplevel);
    await this.store.nix("nix", "copy", "--to", `ssh-ng://deploy@${host.address}`, toplevel);
    return file;
  }
}
