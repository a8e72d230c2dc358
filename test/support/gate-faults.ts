/** Ports that die, or whose disk is full, at the n-th effect: for walking through every point at which a machine can stop. */
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { NixsealError } from "../../src/core/errors.ts";
import type { Files } from "../../src/core/file-ports.ts";
import type { Command, CommandResult, Processes } from "../../src/core/ports.ts";
import type { GateHost } from "./gate-host.ts";

/** A kill -9: no handler of errors sees it, and nothing happens after it. */
export class Killed extends Error {}

export type Moment =
  /** the effect never came */
  | "before"
  /** it came, and nobody was told */
  | "after"
  /** a switch got half-way */
  | "half";

const effects = ["writeAtomic", "makeDirectory", "remove", "rename", "sync"] as const;

/** Counts effects from 1 and kills at the n-th. */
export class Death {
  count = 0;
  died = false;
  readonly #at: number;
  readonly #moment: Moment;

  constructor(at: number, moment: Moment) {
    this.#at = at;
    this.#moment = moment;
  }

  /** Only what has a half of its own counts where things stop half-way. */
  async effect<T>(work: () => Promise<T>, half?: () => Promise<T>): Promise<T> {
    if (this.died) throw new Killed();
    if (this.#moment === "half" && half === undefined) return work();
    if (++this.count !== this.#at) return work();
    this.died = true;
    if (this.#moment === "after") await work();
    if (this.#moment === "half" && half !== undefined) await half();
    throw new Killed();
  }

  inflict(host: GateHost): void {
    const { processes, files: former } = host;
    host.files = (real) => {
      const files = former(real);
      const dying: Files = { ...files };
      for (const name of effects) {
        const work = files[name] as (...args: unknown[]) => Promise<void>;
        Object.assign(dying, { [name]: (...args: unknown[]) => this.effect(() => work(...args)) });
      }
      return dying;
    };
    host.processes = (real) => ({
      run: (command) => {
        const work = () => processes(real).run(command);
        return this.effect(work, halfway(host, work, command));
      },
    });
  }
}

function halfway(
  host: GateHost,
  run: () => Promise<CommandResult>,
  { args }: Command,
): (() => Promise<CommandResult>) | undefined {
  const [program = "", action = ""] = args.slice(-2);
  const name = /-([a-z]+)\/bin\/switch-to-configuration$/.exec(program)?.[1];
  if (name === undefined) return undefined;
  return async () => {
    const usual = host.read(`behaviour/${name}-${action}`) || "0";
    host.behave(name, action, "half");
    const result = await run();
    host.behave(name, action, usual);
    return result;
  };
}

/** From the n-th write on, or only at it, there is no space. */
export function fullDisk(host: GateHost, at: number, forEver: boolean): { readonly writes: () => number } {
  let count = 0;
  const { files: former } = host;
  host.files = (files) => ({
    ...former(files),
    writeAtomic: async (path, bytes, options) => {
      count++;
      if (count === at || (forEver && count > at))
        throw new NixsealError("io", "no space left on device", { where: { file: path } });
      return former(files).writeAtomic(path, bytes, options);
    },
  });
  return { writes: () => count };
}

/** The same files without the waits for disk and lock, for the same sweeps. */
export function quickFiles(files: Files): Files {
  return {
    ...files,
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    sync: () => Promise.resolve(),
    writeAtomic: async (path, bytes) => {
      fs.writeFileSync(`${path}.tmp`, bytes);
      fs.renameSync(`${path}.tmp`, path);
    },
  };
}

/** Nix and the systems' scripts in this process, for sweeps of hundreds of runs: what they leave is what the real ones leave. */
export function quickPrograms(host: GateHost, closure: string): Pick<Processes, "run"> {
  const answer = (stdout = "", code = 0): CommandResult => ({
    code,
    stdout: Buffer.from(stdout),
    stderr: "",
  });
  return {
    run: async ({ program, args }) => {
      const last = args.at(-1)!;
      if (program === "nix") return answer(closure);
      if (program === "nix-store") link(last, args[args.indexOf("--add-root") + 1]!);
      else if (program === "nix-env") setProfile(host, last);
      else return answer("", quickSwitch(host, args.at(-2)!, last));
      return answer();
    },
  };
}

function quickSwitch(host: GateHost, program: string, action: string): number {
  const system = program.slice(host.root.length).replace("/bin/switch-to-configuration", "");
  const name = system.replace(/^.*-/, "");
  const how = host.read(`behaviour/${name}-${action}`) || "0";
  host.write("log", `${host.read("log")}${name} ${action}\n`);
  if (action === "test") {
    host.write("services", `${system}\n`);
    if (how === "0") link(system, host.paths.running);
  } else if (how === "0") host.write("boot", `${system}\n`);
  return how === "half" ? 1 : Number(how);
}

function setProfile({ paths }: GateHost, path: string): void {
  const directory = dirname(paths.profile);
  const newest = fs.readlinkSync(paths.profile);
  if (fs.readlinkSync(join(directory, newest)) === path) return;
  const generation = `system-${Number(/[0-9]+/.exec(newest)![0]) + 1}-link`;
  link(path, join(directory, generation));
  link(generation, paths.profile);
}

function link(target: string, path: string): void {
  fs.rmSync(`${path}.new`, { force: true });
  fs.symlinkSync(target, `${path}.new`);
  fs.renameSync(`${path}.new`, path);
}
