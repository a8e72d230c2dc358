/** A host with a gate below a temporary directory: a chroot store of real Nix, systems that are small scripts, a fleet's trust. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { utf8 } from "../../src/core/bytes.ts";
import type { Files } from "../../src/core/file-ports.ts";
import type { Clock, Processes } from "../../src/core/ports.ts";
import type { GateEvent } from "../../src/gate/answer.ts";
import { usualBounds, type Gate } from "../../src/gate/activate/gate.ts";
import { parseGateConfig, type GateConfig } from "../../src/gate/config.ts";
import { gatePaths, type GatePaths } from "../../src/gate/paths.ts";
import { fromBaseName, type StorePath } from "../../src/nix/store-path.ts";
import { nix32 } from "../../src/nix/base32.ts";
import type { Signer } from "../../src/ssh/signer.ts";
import { files as realFiles } from "../../src/system/files.ts";
import { processes as realProcesses } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { formatEnvelope } from "../../src/trust/root/envelope.ts";
import type { Root } from "../../src/trust/root/root.ts";
import { closureFromStore } from "../../src/trust/warrant/local-store.ts";
import type { Warrant } from "../../src/trust/warrant/model.ts";
import type { WarrantEnvelope } from "../../src/trust/warrant/envelope.ts";
import { gateConfigJson } from "./gate-config.ts";
import { signedRoot } from "./roots.ts";
import { fixedKey } from "./ssh-artifacts.ts";
import { temporaryDirectory } from "./temporary.ts";
import { alice, bob, noon, root as trustRoot, signed, warrant } from "./warrants.ts";

/**
 * What a NixOS system's script does, small: services first, then /run/current-system; `boot` writes the boot entry. A file
 * `behaviour/NAME-ACTION` has it end in another way, after the services where it says `half`.
 */
const script = `#!/bin/sh
set -eu
dir=$(cd "$(dirname "$0")/.." && pwd)
root=\${dir%%/nix/store/*}
logical=/nix/store/\${dir##*/}
name=\${dir##*-}
echo "$name $1" >> "$root/log"
env > "$root/environment"
how=$(cat "$root/behaviour/$name-$1" 2>/dev/null || echo 0)
case $how in
  hang) sleep 60 & echo $! > "$root/sleeper"; wait ;;
  100) exit 100 ;;
  loud) for i in $(seq 200); do printf '%02000d\\n' "$i"; done; how=0 ;;
esac
case $1 in
  test) echo "$logical" > "$root/services"
        [ "$how" != half ] || exit 1
        [ "$how" = 2 ] || ln -sfn "$logical" "$root/run/current-system" ;;
  boot) [ "$how" != 0 ] || { echo "$logical" > "$root/boot.new"; mv "$root/boot.new" "$root/boot"; } ;;
esac
[ "$how" = half ] && exit 1
exit "$how"
`;

export class GateHost {
  readonly root: string;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  readonly events: GateEvent[] = [];
  readonly old: StorePath;
  readonly new: StorePath;
  now = noon;
  uptime = 1000;
  boot = "first-boot";
  /** In place of the real ones, around them. */
  files: (files: Files) => Files = (files) => files;
  processes: (processes: Pick<Processes, "run">) => Pick<Processes, "run"> = (processes) => processes;

  private constructor(directory: string, config: object) {
    this.root = directory;
    this.config = parseGateConfig(utf8(JSON.stringify({ ...gateConfigJson, health: [], ...config })));
    this.paths = gatePaths(directory, this.config);
    for (const path of ["etc/nixseal", "etc/ssh", "run", "behaviour", "nix/store", "nix/var/nix/profiles"])
      fs.mkdirSync(join(directory, path), { recursive: true });
    fs.mkdirSync(this.paths.state, { recursive: true });
    this.old = this.addSystem("old");
    this.new = this.addSystem("new");
  }

  /** With `old` running, in the profile and in the boot entry; `new` in the store. */
  static async make(context: TestContext, config: object = {}, trust: Root = trustRoot): Promise<GateHost> {
    const host = new GateHost(temporaryDirectory(context), config);
    fs.writeFileSync(host.paths.anchor, formatEnvelope(await signedRoot(trust, [fixedKey(91)])));
    const key = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", host.paths.hostKey];
    if (spawnSync("ssh-keygen", key).status !== 0) throw new Error("ssh-keygen failed");
    fs.symlinkSync(host.old, host.paths.running);
    host.write("services", `${host.old}\n`);
    host.write("boot", `${host.old}\n`);
    host.nix("nix-env", "--profile", host.paths.profile, "--set", host.old);
    return host;
  }

  /** The same, and the database says so too: as if it had been built or uploaded like that. */
  replant(path: StorePath, file: string, content: string): void {
    const references = this.nix("nix-store", "--query", "--references", path).trim().split("\n");
    this.plant(path, file, content);
    this.#register(path, references.filter((one) => one !== "") as StorePath[]);
  }

  /** A system that needs a library of its own, registered as an import would. */
  addSystem(name: string, library: string = `library of ${name}`): StorePath {
    const needed = this.addPath(`lib-${name}`, { "lib/code": library }, []);
    return this.addPath(name, { "bin/switch-to-configuration": script, needs: needed }, [needed]);
  }

  addPath(
    name: string,
    content: Readonly<Record<string, string>>,
    references: readonly StorePath[],
  ): StorePath {
    const digest = createHash("sha1")
      .update(`${name}\n${JSON.stringify(content)}`)
      .digest();
    const path = fromBaseName(`${nix32(new Uint8Array(digest))}-${name}`);
    const place = join(this.root, path);
    for (const [file, text] of Object.entries(content)) {
      fs.mkdirSync(dirname(join(place, file)), { recursive: true });
      fs.writeFileSync(join(place, file), text, { mode: 0o755 });
    }
    this.#register(path, references);
    return path;
  }

  #register(path: StorePath, references: readonly StorePath[]): void {
    const place = join(this.root, path);
    const nar = spawnSync("nix-store", ["--dump", place], { maxBuffer: 1 << 24 }).stdout;
    const hash = createHash("sha256").update(nar).digest("hex");
    const registration = [path, hash, nar.length, "", references.length, ...references, ""].join("\n");
    this.#run("nix-store", ["--store", this.root, "--load-db"], registration);
  }

  /** Another content in the store, of which the database knows nothing. */
  plant(path: StorePath, file: string, content: string): void {
    fs.writeFileSync(join(this.root, path, file), content);
  }

  nix(program: string, ...args: string[]): string {
    return this.#run(program, ["--store", this.root, ...args]);
  }

  #run(program: string, args: readonly string[], input = ""): string {
    const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: "utf8", timeout: 60_000 });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  async warrant(
    toplevel: StorePath = this.new,
    fields: Partial<Warrant> = {},
    signers: readonly Signer[] = [alice, bob],
  ): Promise<WarrantEnvelope> {
    const store = { store: this.root, environment: {} };
    const { paths } = await closureFromStore(realProcesses, store, toplevel);
    return signed(warrant({ toplevel, paths, ...fields }), ...signers);
  }

  /** The ports of one process on this host. */
  gate(changed: Partial<Gate> = {}): Gate {
    const clock: Clock = {
      now: () => this.now,
      sleep: async (milliseconds) => {
        this.uptime += milliseconds / 1000;
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    return {
      files: this.files(this.#kernel(realFiles)),
      processes: this.processes(realProcesses),
      clock,
      random,
      config: this.config,
      paths: this.paths,
      bounds: { ...usualBounds, switch: 20, health: 20 },
      peer: 1000,
      say: async (step, message, { data } = {}) =>
        void this.events.push({ kind: "event", step, message, ...(data === undefined ? {} : { data }) }),
      ...changed,
    };
  }

  #kernel(files: Files): Files {
    const proc: Record<string, () => string> = {
      "/proc/uptime": () => `${this.uptime.toFixed(2)} 1.00\n`,
      "/proc/sys/kernel/random/boot_id": () => `${this.boot}\n`,
      "/proc/1/stat": () => "1 (init) S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 7 1 1\n",
    };
    return {
      ...files,
      read: async (path, options) =>
        proc[path] === undefined ? files.read(path, options) : utf8(proc[path]()),
    };
  }

  write(name: string, content: string): void {
    fs.writeFileSync(join(this.root, name), content);
  }

  read(name: string): string {
    return fs.existsSync(join(this.root, name)) ? fs.readFileSync(join(this.root, name), "utf8") : "";
  }

  /** What `switch-to-configuration` of the system does for the action, other than succeed. */
  behave(name: string, action: string, how: string): void {
    this.write(`behaviour/${name}-${action}`, how);
  }

  /** The machine starts: into what the boot entry names. */
  restart(): void {
    this.boot = `${this.boot}+`;
    this.uptime = 10;
    const system = this.read("boot").trim();
    this.write("services", `${system}\n`);
    fs.rmSync(this.paths.running, { force: true });
    fs.symlinkSync(system, this.paths.running);
  }

  /** Which system has the services, is the current one, is in the profile, and boots. */
  state(): Record<"services" | "running" | "profile" | "boot", string> {
    const named = (path: string): string => path.trim().replace(/^.*-/, "");
    const generation = fs.readlinkSync(this.paths.profile);
    return {
      services: named(this.read("services")),
      running: named(fs.readlinkSync(this.paths.running)),
      profile: named(fs.readlinkSync(join(dirname(this.paths.profile), generation))),
      boot: named(this.read("boot")),
    };
  }

  get log(): string[] {
    return this.read("log").trim().split("\n");
  }
}
