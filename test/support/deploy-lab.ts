/**
 * A fleet that deploys: hosts below directories of their own, each with a chroot store of real Nix, a gate, and a real sshd on its own
 * address and port; an operator with keys, certificates and a builder's store (Debian: nix-bin, openssh-server, openssh-client).
 * What a real machine adds (systemd, a daemon, accounts) is in test/e2e.
 */
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";
import type { StorePath } from "../../src/nix/store-path.ts";
import { top } from "../console.ts";
import { ChrootStore } from "./chroot-store.ts";
import { gateConfigJson } from "./gate-config.ts";
import { sshServer } from "./ssh-server.ts";
import { temporaryDirectory } from "./temporary.ts";

const agent = join(top, "bin/nixseal-agent");
const program = join(top, "bin/nixseal");

/** What a system's own script does, small: `behaviour` in the system has it do something else. */
const script = `#!/bin/sh
set -eu
dir=$(cd "$(dirname "$0")/.." && pwd)
root=\${dir%%/nix/store/*}
logical=/nix/store/\${dir##*/}
echo "$1 $logical" >> "$root/log"
case $1 in
  test) ln -sfn "$logical" "$root/run/current-system"
        [ ! -e "$dir/cut" ] || touch "$root/cut"
        [ ! -e "$dir/uncut" ] || rm -f "$root/cut" ;;
  boot) echo "$logical" > "$root/boot.new"; mv "$root/boot.new" "$root/boot" ;;
  dry-activate) [ ! -e "$dir/says" ] || cat "$dir/says" >&2 ;;
esac
`;

export interface LabHost {
  readonly name: string;
  readonly root: string;
  readonly store: ChrootStore;
  /** The system that runs, by the link that a system's script sets. */
  running(): string;
  /** The system that the next boot is into. */
  boots(): string;
  /** What its systems' scripts were called with, in order. */
  log(): string[];
  /** Connections that its sshd has taken. */
  connections(): number;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class DeployLab {
  readonly directory: string;
  readonly fleet: string;
  readonly builder: ChrootStore;
  readonly hosts = new Map<string, LabHost>();
  readonly env: Record<string, string>;
  readonly #context: TestContext;

  private constructor(context: TestContext) {
    this.#context = context;
    this.directory = temporaryDirectory(context);
    this.fleet = join(this.directory, "fleet");
    fs.mkdirSync(join(this.directory, "home/.ssh"), { recursive: true, mode: 0o700 });
    fs.mkdirSync(this.fleet);
    this.builder = new ChrootStore(join(this.directory, "builder"));
    this.env = {
      PATH: process.env["PATH"]!,
      HOME: join(this.directory, "home"),
      USER: "alice",
      LANG: "C.UTF-8",
      NIX_CONF_DIR: join(this.directory, "no-nix-conf"),
      NIX_CONFIG: "substituters =\nexperimental-features = nix-command",
    };
  }

  /** `settings`: lines for the end of fleet.toml; `gate`: changes to every host's gate.json. */
  static async make(
    context: TestContext,
    names: readonly string[],
    { settings = "", gate = {} }: { readonly settings?: string; readonly gate?: object } = {},
  ): Promise<DeployLab> {
    const lab = new DeployLab(context);
    for (const member of ["alice", "bob"]) lab.#key(lab.keyOf(member));
    const addresses = new Map<string, number>();
    for (const name of names) addresses.set(name, await lab.#startHost(name, gate));
    const publicKey = (file: string): string => fs.readFileSync(`${file}.pub`, "utf8").trim();
    const entries = [
      '[fleet]\nname = "lab"\n',
      `[state]\ndirectory = "${join(lab.directory, "state")}"\n`,
      ...[...addresses].map(
        ([name, port]) =>
          `[hosts.${name}]\naddress = "127.0.0.1"\nport = ${port}\nuser = "${userInfo().username}"\ntags = ["all"]\nhost_keys = ["${publicKey(lab.#hostKey(name))}"]\n`,
      ),
      ...["alice", "bob"].map((one) => `[members.${one}]\nkeys = ["${publicKey(lab.keyOf(one))}"]\n`),
      settings,
    ];
    fs.writeFileSync(join(lab.fleet, "fleet.toml"), entries.join("\n"));
    execFileSync("git", ["init", "--quiet", lab.fleet]);
    await lab.must("trust", "init");
    for (const one of ["alice", "bob"])
      await lab.must("trust", "issue", one, "--rights", "activate,upload", "--hosts", "*", "--for", "12h");
    for (const name of names)
      fs.copyFileSync(join(lab.fleet, "trust/root.json"), join(lab.directory, name, "etc/nixseal/root.json"));
    return lab;
  }

  keyOf(member: string): string {
    return join(this.directory, "home/.ssh", member === "alice" ? "id_ed25519" : `id_${member}`);
  }

  #hostKey(name: string): string {
    return join(this.directory, name, "etc/ssh/ssh_host_ed25519_key");
  }

  #key(file: string): void {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  }

  async #startHost(name: string, gate: object): Promise<number> {
    const root = join(this.directory, name);
    for (const path of ["etc/nixseal", "etc/nix", "etc/ssh", "run", "nix/var/nix/profiles"])
      fs.mkdirSync(join(root, path), { recursive: true });
    fs.mkdirSync(join(root, "var/lib/nixseal/gate/quarantine"), { recursive: true, mode: 0o700 });
    this.#key(this.#hostKey(name));
    const config = {
      ...gateConfigJson,
      fleet: "lab",
      host: name,
      tags: ["all"],
      health: [],
      upstream: [],
      ...gate,
    };
    fs.writeFileSync(join(root, "etc/nixseal/gate.json"), JSON.stringify(config));
    fs.writeFileSync(
      join(root, "etc/nix/nix.conf"),
      "build-users-group =\nsubstituters =\ntrusted-public-keys =\n",
    );
    const store = new ChrootStore(root);
    const first = this.addSystem(store, "first");
    fs.symlinkSync(first, join(root, "run/current-system"));
    fs.writeFileSync(join(root, "boot"), `${first}\n`);
    store.run("nix-env", ["--profile", join(root, "nix/var/nix/profiles/system"), "--set", first]);

    let connections = 0;
    const forced = [
      "env -u NIX_STATE_DIR",
      `PATH=${process.env["PATH"]} NIX_CONF_DIR=${join(root, "etc/nix")} HOME=${root}`,
      `${process.execPath} ${agent} receive --root ${root} --member alice`,
    ].join(" ");
    const authorized = join(root, "authorized_keys");
    fs.writeFileSync(
      authorized,
      `restrict,command="${forced}" ${fs.readFileSync(`${this.keyOf("alice")}.pub`, "utf8")}`,
      { mode: 0o600 },
    );
    this.hosts.set(name, {
      name,
      root,
      store,
      running: () => fs.readlinkSync(join(root, "run/current-system")),
      boots: () => fs.readFileSync(join(root, "boot"), "utf8").trim(),
      log: () =>
        fs.existsSync(join(root, "log")) ? fs.readFileSync(join(root, "log"), "utf8").trim().split("\n") : [],
      connections: () => connections,
    });
    return sshServer(
      this.#context,
      root,
      [this.#hostKey(name)],
      [
        `AuthorizedKeysFile ${authorized}`,
        "StrictModes no",
        "UsePAM no",
        "ExposeAuthInfo yes",
        "PermitRootLogin prohibit-password",
        "MaxSessions 64",
      ],
      // A system can cut the network off, by a file that its script makes: whoever comes then is not let in.
      () => {
        connections++;
        return !fs.existsSync(join(root, "cut"));
      },
    );
  }

  host(name: string): LabHost {
    return this.hosts.get(name)!;
  }

  /** A system with a library of its own; `files` are added to it. */
  addSystem(
    store: ChrootStore,
    name: string,
    files: Readonly<Record<string, string>> = {},
    references: readonly StorePath[] = [],
  ): StorePath {
    const library = store.add(`lib-${name}`, { code: `library of ${name}` });
    const content = { "bin/switch-to-configuration": script, needs: library, ...files };
    return store.add(`nixos-system-${name}`, content, [library, ...references]);
  }

  system(
    name: string,
    files: Readonly<Record<string, string>> = {},
    references: readonly StorePath[] = [],
  ): StorePath {
    return this.addSystem(this.builder, name, files, references);
  }

  /** Runs `nixseal` in the fleet as alice. (Not in step: sshd's connections go through this process.) */
  run(...words: readonly string[]): Promise<Ended> {
    return this.start(...words).ended;
  }

  async must(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 0) throw new Error(`nixseal ${words.join(" ")}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** The same while the test goes on; `kill` ends it as a power cut of the operator's machine would. */
  start(...words: readonly string[]): {
    readonly ended: Promise<Ended>;
    readonly stderr: Readable;
    readonly kill: () => void;
  } {
    const child = spawn(program, words, {
      cwd: this.fleet,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (bytes: Buffer) => (said.stdout += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (said.stderr += bytes.toString()));
    const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, ...said })));
    return { ended, stderr: child.stderr, kill: () => child.kill("SIGKILL") };
  }

  /** Deploys without a question, logging in with alice's key. */
  deploy(...words: readonly string[]): Promise<Ended> {
    return this.run("deploy", "apply", ...this.usual, ...words);
  }

  get usual(): readonly string[] {
    return ["--yes", "--identity", this.keyOf("alice"), "--store", this.builder.directory];
  }
}
