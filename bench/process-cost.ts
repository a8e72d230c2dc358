/** What a command and all that it starts cost on this machine. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

export interface Cost {
  readonly seconds: number;
  /** Processor time of the command itself, and its largest memory. Null for what is no program of ours. */
  readonly own: { readonly seconds: number; readonly megabytes: number } | null;
  /** Seconds of processor time of all that it started and waited for, itself included. */
  readonly all: number;
  /** The programs beside it, by name: how many were seen at once, their memory that is theirs alone, their processor time. */
  readonly beside: ReadonlyMap<string, Beside>;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Beside {
  readonly most: number;
  readonly megabytes: number;
  readonly seconds: number;
}

/** Milliseconds between two looks at the processes. */
const pause = 250;
const page = 4096;
/** proc(5): in clock ticks, of which Linux has 100 a second wherever Node runs. */
const ticks = 100;

/**
 * Runs it to its end. ssh's masters leave their parent, so `/proc` is looked at: programs of these names with `mark` in their
 * arguments.
 */
export async function costOf(
  [program, ...args]: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  {
    mark,
    programs,
    usage = null,
  }: {
    readonly mark: string;
    readonly programs: readonly string[];
    /** Where `own-usage` writes. */
    readonly usage?: string | null;
  },
): Promise<Cost> {
  const watch = new Watch(mark, programs);
  const timer = setInterval(() => watch.look(), pause);
  const began = process.hrtime.bigint();
  const timed = ["-q", "-f", "%U %S", program, ...args];
  const child = spawn("/usr/bin/time", timed, {
    ...options,
    env: { ...options.env, ...(usage === null ? {} : { NIXSEAL_BENCH_USAGE: usage }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes: Buffer) => (said.stdout += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (said.stderr += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  clearInterval(timer);
  const times = said.stderr.trim().split("\n").at(-1)!.split(" ").map(Number);
  return {
    seconds,
    own: usage === null ? null : (JSON.parse(readFileSync(usage, "utf8")) as NonNullable<Cost["own"]>),
    all: times[0]! + times[1]!,
    beside: watch.found(),
    code,
    ...said,
  };
}

/** Seconds of processor time of all children of this process that have ended. */
export function childrenSeconds(): number {
  const fields = statOf("self")!;
  return (Number(fields[13]) + Number(fields[14])) / ticks;
}

class Watch {
  readonly #mark: string;
  readonly #programs: ReadonlySet<string>;
  readonly #most = new Map<string, { most: number; megabytes: number }>();
  readonly #seconds = new Map<string, { name: string; seconds: number }>();

  constructor(mark: string, programs: readonly string[]) {
    this.#mark = mark;
    this.#programs = new Set(programs);
  }

  look(): void {
    const now = new Map<string, { count: number; megabytes: number }>();
    for (const pid of readdirSync("/proc")) {
      if (!/^[0-9]+$/.test(pid)) continue;
      const command = read(`/proc/${pid}/cmdline`);
      const program = basename(command.split(/[\0:]/)[0]!);
      if (!this.#programs.has(program) || !command.includes(this.#mark)) continue;
      // What holds a shared connection says so in its arguments, and is nobody's child.
      const name = command.includes("[mux]") ? `${program} master` : program;
      const fields = statOf(pid);
      const [, resident, shared] = read(`/proc/${pid}/statm`).split(" ").map(Number);
      if (fields === null || resident === undefined) continue;
      this.#seconds.set(pid, { name, seconds: (Number(fields[11]) + Number(fields[12])) / ticks });
      const { count, megabytes } = now.get(name) ?? { count: 0, megabytes: 0 };
      now.set(name, { count: count + 1, megabytes: megabytes + ((resident - shared!) * page) / 1e6 });
    }
    for (const [name, { count, megabytes }] of now) {
      const before = this.#most.get(name) ?? { most: 0, megabytes: 0 };
      this.#most.set(name, {
        most: Math.max(before.most, count),
        megabytes: Math.max(before.megabytes, megabytes),
      });
    }
  }

  found(): Map<string, Beside> {
    return new Map(
      [...this.#most].map(([name, most]) => {
        const times = [...this.#seconds.values()].filter((one) => one.name === name);
        return [name, { ...most, seconds: times.reduce((sum, { seconds }) => sum + seconds, 0) }];
      }),
    );
  }
}

/** The fields of proc(5) `stat` behind the program's name. Null when it has gone. */
function statOf(pid: string): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === "" ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Processes end while one looks at them. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
