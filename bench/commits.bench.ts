import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPublicKey } from "../src/ssh/public-key-line.ts";
import { privateKeySigner } from "../src/ssh/signer.ts";
import { top } from "../test/console.ts";
import { writeHistory } from "../test/support/signed-pack.ts";
import { fixedKey } from "../test/support/ssh-artifacts.ts";
import type { Benchmark } from "./figure.ts";

const commits = 2000;
const many = 50_000;

/** Whole processes with their start: `nixseal commits verify` beside `git log --format=%G?` over the same history. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    const key = fixedKey(1);
    const signers = join(directory, "allowed_signers");
    writeFileSync(signers, `alice ${formatPublicKey(key.publicKey)}\n`);
    const repository = async (name: string, length: number): Promise<string> => {
      const path = join(directory, name);
      execFileSync("git", ["init", "-q", "-b", "main", path]);
      await writeHistory(path, privateKeySigner(key), length);
      return path;
    };
    const small = await repository("small", commits);
    const large = await repository("large", many);
    const verify = ["commits", "verify", "--signers", signers];
    const own = await best(() => measure(directory, small, ["--version"]));
    const fresh = await measure(directory, small, verify);
    const again = await best(() => measure(directory, small, verify));
    const long = await measure(directory, large, verify);
    const longAgain = await best(() => measure(directory, large, verify));
    const [alone, little, much] = [
      await memory(directory, small, ["--version"]),
      await memory(directory, small, [...verify, "--fresh"]),
      await memory(directory, large, [...verify, "--fresh"]),
    ];
    const began = performance.now();
    const log = spawnSync(
      "git",
      ["-C", small, "-c", `gpg.ssh.allowedSignersFile=${signers}`, "log", "--format=%G?"],
      { maxBuffer: 1 << 24 },
    );
    const theirs = performance.now() - began;
    if (log.stdout.toString() !== "G\n".repeat(commits))
      throw new Error("git log does not call all commits good");
    return {
      name: "commits verify",
      figures: [
        {
          what: `${commits} signed commits`,
          value: fresh,
          unit: "ms",
          beside: `git log --format=%G?: ${Math.round(theirs)} ms`,
          ratio: theirs / fresh,
        },
        {
          what: "the same again",
          value: again,
          unit: "ms",
          beside: `the first run, of which the start of the program is ${Math.round(own)} ms`,
          ratio: fresh / again,
        },
        {
          what: "the same again, beyond the program's own start",
          value: again - own,
          unit: "ms",
          beside: `the first run: ${Math.round(fresh - own)} ms`,
          ratio: (fresh - own) / (again - own),
        },
        {
          what: `${many} signed commits`,
          value: long,
          unit: "ms",
          beside: `again: ${Math.round(longAgain)} ms`,
          ratio: long / longAgain,
        },
        {
          what: `memory for ${many} commits`,
          value: much,
          unit: "MiB resident",
          beside: `for ${commits}: ${Math.round(little)} MiB; program alone: ${Math.round(alone)} MiB`,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of five: another process on the machine makes a short one longer by as much as it takes. */
async function best(run: () => Promise<number>): Promise<number> {
  const runs: number[] = [];
  for (let i = 0; i < 5; i++) runs.push(await run());
  return Math.min(...runs);
}

/** Milliseconds of the whole process. */
async function measure(home: string, cwd: string, args: readonly string[]): Promise<number> {
  const began = performance.now();
  await ended(start(home, cwd, args));
  return performance.now() - began;
}

/** MiB: the kernel's high-water mark, looked at until the end. Runs of their own, since looking takes time from the short ones. */
async function memory(home: string, cwd: string, args: readonly string[]): Promise<number> {
  const child = start(home, cwd, args);
  let mebibytes = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      mebibytes = Math.max(mebibytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      clearInterval(look); // it has ended
    }
  }, 10);
  try {
    await ended(child);
  } finally {
    clearInterval(look);
  }
  return mebibytes;
}

function start(home: string, cwd: string, args: readonly string[]): ChildProcess {
  // As a shell opens it for `>`: "ignore" opens it for reading too, and that means to the program that its stdout is closed.
  const nowhere = openSync("/dev/null", "w");
  const child = spawn(process.execPath, [join(top, "bin/nixseal"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: home },
    stdio: ["ignore", nowhere, "inherit"],
  });
  closeSync(nowhere);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`nixseal ${child.spawnargs.slice(2).join(" ")}: exit ${code}`);
}
