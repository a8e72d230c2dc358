import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { env } from "node:process";
import { createInterface } from "node:readline";
import { tail } from "../e2e/command.ts";
import { endMark, plainInit } from "./guest.ts";
import { rootPartition } from "./root-image.ts";

export interface Drive {
  readonly file: string;
  readonly format: "raw" | "qcow2";
  readonly readOnly?: boolean;
}

export interface MachineOptions {
  /** The first holds the root file system. Others are found by their label: the kernel numbers them by chance. */
  readonly drives: readonly Drive[];
  /** `plain` boots faster and has no service at all; its root file system is read-only. */
  readonly init: "plain" | "systemd";
  /** Where the console is written. */
  readonly console: string;
}

export interface CommandEnd {
  readonly code: number;
  /** stdout and stderr, as they came. */
  readonly output: string;
}

/** Without KVM, and with others at work on the machine, a boot has taken two minutes. */
const bootTimeout = 300_000;
const commandTimeout = 300_000;

const fixed: readonly string[] = [
  "-machine q35,sata=off,smbus=off -accel tcg,tb-size=256 -cpu max,la57=off,svm=off -smp 1 -m 768",
  "-nodefaults -no-user-config -no-reboot -display none -device virtio-rng-pci",
  "-device virtio-serial-pci,max_ports=2 -chardev stdio,id=commands,signal=off",
  "-device virtserialport,chardev=commands,nr=1",
].flatMap((line) => line.split(" "));

/** A virtual machine with a kernel and a page cache of its own: what it did not sync is lost when it is cut. */
export class Machine {
  readonly #console: string;
  readonly #qemu: ChildProcess;
  #hear: (line: string) => void = () => undefined;

  private constructor({ drives, init, console }: MachineOptions) {
    this.#console = console;
    const kernelLine = [`root=${rootPartition}`, "rootwait", "console=ttyS0", "panic=-1", "mitigations=off"];
    if (init === "plain") kernelLine.push("ro", `init=${plainInit}`);
    else kernelLine.push("rw", "systemd.show_status=1");
    const disks = drives.flatMap((drive, index) => [
      "-blockdev",
      blockDevice(drive, `d${index}`),
      "-device",
      `nvme,drive=d${index},serial=d${index}`,
    ]);
    const kernel = ["-kernel", given("NIXSEAL_DEEP_KERNEL"), "-append", kernelLine.join(" ")];
    const argv = [...fixed, ...disks, ...kernel, "-serial", `file:${console}`];
    this.#qemu = spawn("qemu-system-x86_64", argv, { stdio: ["pipe", "pipe", "inherit"] });
    this.#qemu.stdin!.on("error", () => undefined); // it is gone: whoever waits for an answer is told
    createInterface(this.#qemu.stdout!).on("line", (line) => this.#hear(line));
  }

  /** Switches it on and waits until it takes commands. */
  static async start(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    try {
      await machine.#answer("the boot", bootTimeout);
      return machine;
    } catch (error) {
      await machine.cut();
      throw error;
    }
  }

  get running(): boolean {
    return this.#qemu.exitCode === null && this.#qemu.signalCode === null;
  }

  /** Runs a program as root that must succeed, and gives its output. */
  async run(...argv: readonly string[]): Promise<string> {
    const { code, output } = await this.attempt(argv);
    if (code !== 0) throw new Error(`exit ${code}: ${argv.join(" ")}\n${tail(output)}`);
    return output;
  }

  /** Runs a program as root. When `watch` says true of a line, the power is cut at once: undefined then. */
  async attempt(argv: readonly string[]): Promise<CommandEnd>;
  async attempt(argv: readonly string[], watch: (line: string) => boolean): Promise<CommandEnd | undefined>;
  async attempt(argv: readonly string[], watch?: (line: string) => boolean): Promise<CommandEnd | undefined> {
    const words = Buffer.from(argv.map((word) => `${word}\0`).join("")).toString("base64");
    this.#qemu.stdin!.write(`${words}\n`);
    const answer = await this.#answer(argv.join(" "), commandTimeout, watch);
    if (answer === undefined) await this.cut();
    return answer;
  }

  /** Off without a warning: of what the machine wrote only that is there which reached its disk. */
  async cut(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#qemu, "close");
    this.#qemu.kill("SIGKILL");
    await ended;
  }

  /** What comes until the end mark. */
  #answer(
    what: string,
    timeout: number,
    watch: (line: string) => boolean = () => false,
  ): Promise<CommandEnd | undefined> {
    return new Promise((resolve, reject) => {
      const output: string[] = [];
      const settle = (): void => {
        clearTimeout(timer);
        this.#qemu.off("close", gone);
        this.#hear = () => undefined;
      };
      const fail = (problem: string): void => {
        settle();
        const console = tail(readFileSync(this.#console, "utf8"), 30);
        reject(new Error(`${problem}: ${what}\n${tail(output.join("\n"))}\n--- console ---\n${console}`));
      };
      const gone = (): void => fail("the machine went off during");
      const timer = setTimeout(() => fail(`no answer after ${timeout} ms to`), timeout);
      this.#qemu.once("close", gone);
      this.#hear = (line) => {
        const [text = "", end] = line.split(endMark);
        if (text !== "") output.push(text);
        if (end === undefined && !watch(text)) return;
        settle();
        resolve(end === undefined ? undefined : { code: Number(end), output: output.join("\n") });
      };
    });
  }
}

function blockDevice({ file, format, readOnly = false }: Drive, name: string): string {
  const image = { driver: format, file: { driver: "file", filename: file }, "read-only": readOnly };
  return JSON.stringify({ ...image, "node-name": name });
}

function given(name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set: start these tests with npm run test:deep`);
  return value;
}
