import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { attempt, tail, type CommandOptions, type Result } from "./command.ts";
import { Container } from "./container.ts";
import { installedAt, makeDisk, removeDisk, type Disk } from "./disk.ts";
import { hostsDirectory, network } from "./lab-layout.ts";
import { until } from "./until.ts";

export interface HostOptions {
  /** Files that are there at the first boot, by absolute path. Mode 0644, or 0755 for what begins with `#!`. */
  readonly files?: Readonly<Record<string, string>>;
  /** What else is done to its disk before the first boot. */
  readonly prepare?: (host: Unbooted) => Promise<void>;
}

export interface Unbooted {
  readonly address: string;
  readonly hostKey: Disk["hostKey"];
  /** Below this directory its file tree is mounted. */
  readonly root: string;
}

export interface HostRunOptions extends CommandOptions {
  /** Exit codes that are no failure. Default: 0 only. */
  readonly codes?: readonly number[];
}

/** The checkout that these tests were compiled in. */
const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const bootTimeout = 90_000;
/** The exit code of timeout(1). */
const timedOut = 124;
const hostEnv = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", HOME: "/root", LANG: "C.UTF-8" };

/**
 * A real systemd host: Debian in a container, with a disk that lasts over reboots, an address of its own, sshd,
 * this machine's node and this checkout's `nixseal-agent`. Resolves when it has booted; the caller must
 * `destroy` it.
 */
export async function startHost(name: string, options: HostOptions = {}): Promise<Host> {
  if (!/^[a-z][a-z0-9-]{0,10}$/.test(name)) throw new Error(`not a name for a test host: ${name}`);
  const number = reserveNumber();
  const directory = join(hostsDirectory, String(number));
  const address = `${network}.${number}`;
  const disk = await makeDisk({ directory, name, address, files: options.files ?? {} });
  const host = new Host(name, address, disk);
  try {
    await options.prepare?.({ address, hostKey: disk.hostKey, root: disk.root });
    await host.start();
    return host;
  } catch (error) {
    await host.destroy();
    throw error;
  }
}

export class Host {
  readonly name: string;
  /** In the hosts' network; sshd listens on port 22. */
  readonly address: string;
  readonly hostKey: Disk["hostKey"];
  readonly #disk: Disk;
  readonly #console: string;
  readonly #container: Container;

  constructor(name: string, address: string, disk: Disk) {
    this.name = name;
    this.address = address;
    this.hostKey = disk.hostKey;
    this.#disk = disk;
    this.#console = join(disk.directory, "console");
    const readable = ["bin", "dist", "node_modules", "package.json"].map(
      (entry) => `${join(checkout, entry)}:${installedAt}/${entry}`,
    );
    this.#container = new Container({
      name: `${name}-${address.split(".").at(-1)}`,
      root: disk.root,
      console: this.#console,
      readable: [...readable, `${execPath}:/usr/local/bin/node`],
    });
  }

  /** Switches it on and waits until every unit of the boot was started or has failed. */
  async start(): Promise<void> {
    this.#container.start();
    let state = "";
    try {
      await until(`${this.name} has booted`, bootTimeout, async () => {
        if (!this.#container.running) throw new Error(`${this.name} went down while it booted`);
        if (this.#container.init === undefined) return undefined;
        state = (await this.attempt(["systemctl", "is-system-running", "--wait"])).stdout.trim();
        return state === "running" || state === "degraded" ? state : undefined;
      });
    } catch (error) {
      throw await this.#explained(error, `state "${state}"`);
    }
  }

  /** Runs a program as root and gives its stdout. An exit code that is not in `codes` is an error. */
  async run(argv: readonly string[], options: HostRunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(argv, options);
    if ((options.codes ?? [0]).includes(code)) return stdout;
    throw await this.#explained(
      new Error(`exit ${code} on ${this.name}: ${argv.join(" ")}`),
      tail(`${stdout}\n${stderr}`),
    );
  }

  /** Runs a program as root, whatever its exit code. */
  async attempt(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
    const result = await this.#enter(argv, options);
    if (result.code !== timedOut) return result;
    throw await this.#explained(
      new Error(`took too long on ${this.name}: ${argv.join(" ")}`),
      tail(result.stderr),
    );
  }

  /** Writes a file, with its directory; it replaces what is there. */
  async copyIn(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    await this.run(["install", "-D", `--mode=${mode.toString(8)}`, "/dev/null", path]);
    await this.run(["dd", `of=${path}`, "status=none"], { input: content });
  }

  /** An orderly reboot from inside; resolves when it has booted again. */
  async reboot(): Promise<void> {
    // What this answers is of no interest: it may be killed by what it asks for.
    await this.attempt(["systemctl", "reboot", "--no-block"]);
    await this.goneDown();
    await this.start();
  }

  /** Resolves when it has gone down for a reboot that something else has asked for; `start` is the power supply. */
  async goneDown(): Promise<void> {
    if (!(await this.#container.ended())) throw new Error(`${this.name} went off instead of rebooting`);
  }

  /** An orderly power-off. */
  async poweroff(): Promise<void> {
    await this.attempt(["systemctl", "poweroff", "--no-block"]);
    if (await this.#container.ended()) throw new Error(`${this.name} rebooted instead of going off`);
  }

  /** Off without a warning. What was written before is on the disk: the page cache is this machine's. */
  async powerCut(): Promise<void> {
    await this.#container.cut();
  }

  /** What a unit, or with none the whole host, said since its last boot. */
  async journal(unit?: string): Promise<string> {
    await this.#enter(["journalctl", "--sync"]);
    const of = unit === undefined ? [] : [`--unit=${unit}`];
    const journalctl = ["journalctl", "--boot", "--no-pager", "--output=short-monotonic"];
    const { stdout } = await this.#enter([...journalctl, ...of]);
    return stdout;
  }

  /** Ends it and removes everything that it was. */
  async destroy(): Promise<void> {
    await this.#container.remove();
    await removeDisk(this.#disk);
  }

  async #enter(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
    const { init } = this.#container;
    if (init === undefined) throw new Error(`${this.name} is off`);
    const timeout = options.timeout ?? 60_000;
    // nsenter's child does not die with nsenter, so the bound is kept inside too.
    const bounded = ["timeout", "--kill-after=5", String(timeout / 1000), ...argv];
    const enter = ["nsenter", `--target=${init}`, "--all", "--root", "--wd", "--", ...bounded];
    return attempt(enter, { input: options.input, env: hostEnv, timeout: timeout + 10_000 });
  }

  /** The error with what the host itself says about it. */
  async #explained(error: unknown, said: string): Promise<Error> {
    let log = readFileSync(this.#console, "utf8");
    if (this.#container.init !== undefined) log += await this.journal();
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`${message}\n${said}\n--- ${this.name} ---\n${tail(log, 40)}`, { cause: error });
  }
}

/** Test files run in processes of their own: a directory that could be made is a number that is taken. */
function reserveNumber(): number {
  for (let number = 2; number < 255; number++) {
    try {
      mkdirSync(join(hostsDirectory, String(number)));
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  throw new Error("254 hosts are too many");
}
