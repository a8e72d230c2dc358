import { spawn, type ChildProcess } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { removeCgroup } from "./cgroup.ts";
import { bridge, labCgroup } from "./lab-layout.ts";
import { until } from "./until.ts";

export interface ContainerOptions {
  readonly name: string;
  /** The mounted file tree. */
  readonly root: string;
  /** Where the console is written. */
  readonly console: string;
  /** Directories and files of this machine, as `SOURCE:DESTINATION`, that the container may read. */
  readonly readable: readonly string[];
}

/** systemd-nspawn ends with this code when the container asked for a reboot (with `--keep-unit`). */
const rebootCode = 133;

/** Nothing of the machine's own systemd takes part: no machined, no journal, no bus. */
const fixed: readonly string[] = [
  "--quiet",
  "--boot",
  "--register=no",
  "--keep-unit",
  "--settings=no",
  "--console=read-only",
  "--link-journal=no",
  "--timezone=off",
  "--resolv-conf=off",
  `--network-bridge=${bridge}`,
];

const exitTimeout = 60_000;

/** One systemd-nspawn with systemd as the first process, and its life from boot to boot. */
export class Container {
  readonly #options: ContainerOptions;
  readonly #cgroup: string;
  #nspawn: ChildProcess | undefined;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.#cgroup = join(labCgroup(env), options.name);
    mkdirSync(this.#cgroup);
  }

  get running(): boolean {
    return this.#nspawn !== undefined && this.#nspawn.exitCode === null && this.#nspawn.signalCode === null;
  }

  /** Switches it on; does not wait for anything. */
  start(): void {
    if (this.running) throw new Error(`${this.#options.name} is running already`);
    const { name, root, console, readable } = this.#options;
    const own = [`--directory=${root}`, `--machine=${name}`, `--hostname=${name}`];
    const output = openSync(console, "a");
    const before = readFileSync("/proc/self/cgroup", "utf8").match(/^0::(.*)$/m)?.[1] ?? "/";
    // A child is born in its parent's cgroup. Between these two lines nothing else runs in this process.
    writeFileSync(join(this.#cgroup, "cgroup.procs"), "0");
    try {
      this.#nspawn = spawn(
        "systemd-nspawn",
        [...fixed, ...own, ...readable.map((path) => `--bind-ro=${path}`)],
        { stdio: ["ignore", output, output], env: { ...env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1" } },
      );
    } finally {
      writeFileSync(join("/sys/fs/cgroup", before, "cgroup.procs"), "0");
      closeSync(output);
    }
  }

  /** The container's first process, by its number out here; undefined while there is none. */
  get init(): number | undefined {
    const nspawn = this.#nspawn?.pid;
    if (!this.running || nspawn === undefined) return undefined;
    return childrenOf(nspawn).find((pid) => /^NSpid:.*\s1$/m.test(read(`/proc/${pid}/status`)));
  }

  /** Waits until it is off. True when it wants to be started again. */
  async ended(): Promise<boolean> {
    await until(`${this.#options.name} goes down`, exitTimeout, () => (this.running ? undefined : true));
    return this.#nspawn?.exitCode === rebootCode;
  }

  /** As if the cord were pulled: no process is told. */
  async cut(): Promise<void> {
    if (!this.running) return;
    const { init } = this;
    if (init === undefined) this.#nspawn?.kill("SIGKILL");
    else process.kill(init, "SIGKILL");
    await this.ended();
  }

  /** Removes what outlives the processes. */
  async remove(): Promise<void> {
    await this.cut();
    const removed = (): true | undefined => (removeCgroup(this.#cgroup) ? true : undefined);
    await until(`the cgroup of ${this.#options.name} is empty`, exitTimeout, removed);
  }
}

function childrenOf(pid: number): number[] {
  const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  return tasks.flatMap((task) =>
    (read(`/proc/${pid}/task/${task}/children`).match(/\d+/g) ?? []).map(Number),
  );
}

/** What a file says; nothing when its process went away meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
