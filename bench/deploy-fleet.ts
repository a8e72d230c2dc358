/** Hundreds of hosts with gates and real sshd on this machine, and an operator: made cheaply, one prepared and the others copied. */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hex } from "../src/core/bytes.ts";
import { hashStream } from "../src/nix/nar/hash.ts";
import { writeNar } from "../src/nix/nar/writer.ts";
import type { StorePath } from "../src/nix/store-path.ts";
import { trees } from "../src/system/trees.ts";
import { top } from "../test/console.ts";
import { ChrootStore, plainPath, type Content } from "../test/support/chroot-store.ts";
import { gateConfigJson } from "../test/support/gate-config.ts";
import { LoopbackSshd } from "./loopback-sshd.ts";
import { costOf, type Cost } from "./process-cost.ts";

const run = promisify(execFile);
const makers = 4;
const ownUsage = fileURLToPath(new URL("own-usage.js", import.meta.url));
/** References of a path, as many as one has on average in a NixOS system. */
const needed = 8;

/** What a system's own script does, small: `switch` is for stock tools, `test` and `boot` are what a gate calls. */
const script = `#!/bin/sh
set -eu
dir=$(cd "$(dirname "$0")/.." && pwd)
root=\${dir%%/nix/store/*}
logical=/nix/store/\${dir##*/}
case $1 in switch|test) ln -sfn "$logical" "$root/run/current-system" ;; esac
case $1 in switch|boot) echo "$logical" > "$root/boot.new"; mv "$root/boot.new" "$root/boot" ;; esac
`;

export class DeployFleet {
  readonly directory = fs.mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  readonly fleet = join(this.directory, "fleet");
  readonly builder = new ChrootStore(join(this.directory, "builder"));
  readonly sshd = new LoopbackSshd();
  readonly names: readonly string[];
  readonly env: Record<string, string>;
  readonly #ports = new Map<string, number>();

  private constructor(hosts: number) {
    this.names = Array.from({ length: hosts }, (_, index) => `host${String(index).padStart(3, "0")}`);
    fs.mkdirSync(join(this.directory, "home/.ssh"), { recursive: true, mode: 0o700 });
    fs.mkdirSync(this.fleet);
    this.env = {
      PATH: process.env["PATH"]!,
      HOME: join(this.directory, "home"),
      USER: "alice",
      LANG: "C.UTF-8",
      NIX_CONF_DIR: join(this.directory, "no-nix-conf"),
      NIX_CONFIG: "substituters =\nexperimental-features = nix-command",
    };
  }

  static async make(hosts: number): Promise<DeployFleet> {
    const made = new DeployFleet(hosts);
    await made.#prepare();
    return made;
  }

  async #prepare(): Promise<void> {
    await Promise.all(["alice", "stock"].map((who) => this.#makeKey(this.keyOf(who))));
    const first = await this.#prepareFirst();
    await inParallel(this.names, (name) => this.#addHost(name, first));
    const entries = this.names.map(
      (name) =>
        `[hosts.${name}]\naddress = "${this.addressOf(name)}"\nport = ${this.#ports.get(name)}\nuser = "${userInfo().username}"\ntags = ["all"]\nhost_keys = ["${publicKey(this.#hostKey(name))}"]\n`,
    );
    const settings = `[fleet]\nname = "bench"\n\n[state]\ndirectory = "${join(this.directory, "state")}"\n\n[members.alice]\nkeys = ["${publicKey(this.keyOf("alice"))}"]\n`;
    fs.writeFileSync(join(this.fleet, "fleet.toml"), [settings, ...entries].join("\n"));
    execFileSync("git", ["init", "--quiet", this.fleet]);
    this.#nixseal("trust", "init");
    this.#nixseal(..."trust issue alice --rights activate,upload --hosts * --for 12h".split(" "));
    for (const name of this.names)
      fs.copyFileSync(join(this.fleet, "trust/root.json"), join(this.rootOf(name), "etc/nixseal/root.json"));
  }

  /** A host as it is after its installation, without what is its own. */
  async #prepareFirst(): Promise<string> {
    const root = join(this.directory, "first");
    for (const path of ["etc/nixseal", "etc/nix", "etc/ssh", "run", "nix/var/nix/profiles"])
      fs.mkdirSync(join(root, path), { recursive: true });
    fs.mkdirSync(join(root, "var/lib/nixseal/gate/quarantine"), { recursive: true, mode: 0o700 });
    fs.writeFileSync(
      join(root, "etc/nix/nix.conf"),
      "build-users-group =\nsubstituters =\ntrusted-public-keys =\n",
    );
    const store = new ChrootStore(root);
    const [system] = await addPaths(store, [
      { name: "nixos-system-first", content: { "bin/switch-to-configuration": script } },
    ]);
    fs.symlinkSync(system!, join(root, "run/current-system"));
    fs.writeFileSync(join(root, "boot"), `${system}\n`);
    return root;
  }

  async #addHost(name: string, first: string): Promise<void> {
    const root = this.rootOf(name);
    fs.mkdirSync(join(this.directory, "hosts"), { recursive: true });
    await run("cp", ["-a", first, root]);
    await this.#makeKey(this.#hostKey(name));
    const config = { ...gateConfigJson, fleet: "bench", host: name, tags: ["all"], health: [], upstream: [] };
    fs.writeFileSync(join(root, "etc/nixseal/gate.json"), JSON.stringify(config));
    const environment = `env -u NIX_STATE_DIR PATH=${process.env["PATH"]} NIX_CONF_DIR=${join(root, "etc/nix")} HOME=${root}`;
    const gate = `${process.execPath} ${join(top, "bin/nixseal-agent")} receive --root ${root} --member alice`;
    const stock = `NIX_REMOTE=${root} NIX_CONFIG='require-sigs = false' sh -c \\"$SSH_ORIGINAL_COMMAND\\"`;
    const line = (command: string, who: string): string =>
      `restrict,command="${environment} ${command}" ${publicKey(this.keyOf(who))}\n`;
    const authorized = join(root, "authorized_keys");
    fs.writeFileSync(authorized, line(gate, "alice") + line(stock, "stock"), { mode: 0o600 });
    const settings = [
      `HostKey ${this.#hostKey(name)}`,
      `AuthorizedKeysFile ${authorized}`,
      "StrictModes no",
      "UsePAM no",
      "ExposeAuthInfo yes",
      "SetEnv SHLVL=1", // else bash(1), for who comes by ssh, runs what lies in ~/.bashrc of whoever runs this
      "PermitRootLogin prohibit-password",
      "",
    ];
    fs.writeFileSync(join(root, "sshd_config"), settings.join("\n"));
    this.#ports.set(name, await this.sshd.listen(name, this.addressOf(name), join(root, "sshd_config")));
  }

  /**
   * In the builder's store, a system for each host with a library of its own; all share `paths` more, the first of which has so
   * many bytes. By host.
   */
  async addSystems(
    version: string,
    { paths, bytes }: { readonly paths: number; readonly bytes: number },
  ): Promise<Map<string, StorePath>> {
    const common = Array.from({ length: paths }, (_, index) => `shared-${version}-${index}`);
    await addPaths(
      this.builder,
      common.map((name, index) => ({
        name,
        content: index === 0 ? randomBytes((bytes * 3) / 4).toString("base64") : name,
        references: common.slice(Math.max(0, index - needed), index).map(plainPath),
      })),
    );
    const references = common.slice(-needed).map(plainPath);
    await addPaths(
      this.builder,
      this.names.map((name) => ({ name: `lib-${name}-${version}`, content: `library of ${name}` })),
    );
    const systems = await addPaths(
      this.builder,
      this.names.map((name) => {
        const all = [plainPath(`lib-${name}-${version}`), ...references];
        const content = { "bin/switch-to-configuration": script, needs: all.join("\n") };
        return { name: `nixos-system-${name}-${version}`, content, references: all };
      }),
    );
    return new Map(this.names.map((name, index) => [name, systems[index]!]));
  }

  rootOf(name: string): string {
    return join(this.directory, "hosts", name);
  }

  /** The system that runs there. */
  running(name: string): string {
    return fs.readlinkSync(join(this.rootOf(name), "run/current-system"));
  }

  keyOf(who: string): string {
    return join(this.directory, "home/.ssh", who === "alice" ? "id_ed25519" : who);
  }

  addressOf(name: string): string {
    const number = this.names.indexOf(name) + 1;
    return `127.1.${number >> 8}.${number & 255}`;
  }

  /** Options of ssh(1) for who comes with stock tools and pinned nothing. */
  stockOptions(name: string): string[] {
    const known = join(this.directory, "known_hosts");
    const options = [`UserKnownHostsFile=${known}`, "StrictHostKeyChecking=accept-new", "BatchMode=yes"];
    return [
      "-i",
      this.keyOf("stock"),
      "-p",
      String(this.#ports.get(name)),
      ...options.flatMap((one) => ["-o", one]),
    ];
  }

  /** What `nixseal` costs with these words. */
  cost(words: readonly string[]): Promise<Cost> {
    return costOf(
      [process.execPath, "--import", ownUsage, join(top, "bin/nixseal"), ...words],
      { cwd: this.fleet, env: this.env },
      { mark: this.directory, programs: ["ssh", "nix"], usage: join(this.directory, "usage") },
    );
  }

  close(): void {
    this.sshd.close();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  #hostKey(name: string): string {
    return join(this.rootOf(name), "etc/ssh/ssh_host_ed25519_key");
  }

  async #makeKey(file: string): Promise<void> {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  }

  #nixseal(...words: readonly string[]): void {
    execFileSync(join(top, "bin/nixseal"), words, { cwd: this.fleet, env: this.env, stdio: "pipe" });
  }
}

interface NewPath {
  readonly name: string;
  readonly content: Content;
  readonly references?: readonly StorePath[];
}

/** All at once, in one registration. */
async function addPaths(store: ChrootStore, paths: readonly NewPath[]): Promise<StorePath[]> {
  const rows: (string | number)[] = [];
  for (const { name, content, references = [] } of paths) {
    const path = plainPath(name);
    store.write(path, content);
    const { hash, size } = await hashStream(writeNar(trees, store.at(path)));
    rows.push(path, hex(hash.digest), size, "", references.length, ...references);
  }
  store.run("nix-store", ["--load-db"], `${rows.join("\n")}\n`);
  return paths.map(({ name }) => plainPath(name));
}

function publicKey(file: string): string {
  return fs.readFileSync(`${file}.pub`, "utf8").trim();
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const one = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: makers }, one));
}
