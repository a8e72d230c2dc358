import { execFileSync, spawn, spawnSync } from "node:child_process";
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
    const start = await best(() => measure(directory, small, ["--version"]));
    const fresh = await measure(directory, small, ["commits", "verify", "--signers", signers]);
    const again = await best(() => measure(directory, small, ["commits", "verify", "--signers", signers]));
    const long = await measure(directory, large, ["commits", "verify", "--signers", signers]);
    const longAgain = await measure(directory, large, ["commits", "verify", "--signers", signers]);
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
          value: fresh.milliseconds,
          unit: "ms",
          beside: `git log --format=%G?: ${Math.round(theirs)} ms`,
          ratio: theirs / fresh.milliseconds,
        },
        {
          what: "the same again",
          value: again.milliseconds,
          unit: "ms",
          beside: `the first run, of which the start of the program is ${Math.round(start.milliseconds)} ms`,
          ratio: fresh.milliseconds / again.milliseconds,
        },
        {
          what: "the same again, beyond the program's own start",
          value: again.milliseconds - start.milliseconds,
          unit: "ms",
          beside: `the first run: ${Math.round(fresh.milliseconds - start.milliseconds)} ms`,
          ratio: (fresh.milliseconds - start.milliseconds) / (again.milliseconds - start.milliseconds),
        },
        {
          what: `${many} signed commits`,
          value: long.milliseconds,
          unit: "ms",
          beside: `again: ${Math.round(longAgain.milliseconds)} ms`,
          ratio: long.milliseconds / longAgain.milliseconds,
        },
        {
          what: `memory for ${many} commits`,
          value: long.mebibytes,
          unit: "MiB resident",
          beside: `for ${commits}: ${Math.round(fresh.mebibytes)} MiB; program alone: ${Math.round(start.mebibytes)} MiB`,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of five: another process on the machine makes a short one longer by as much as it takes. */
async function best<T extends { readonly milliseconds: number }>(run: () => Promise<T>): Promise<T> {
  const runs: T[] = [];
  for (let i = 0; i < 5; i++) runs.push(await run());
  return runs.sort((a, b) => a.milliseconds - b.milliseconds)[0]!;
}

/** Of the whole process; memory is the kernel's high-water mark, looked at until the end. */
function measure(
  home: string,
  cwd: string,
  args: readonly string[],
): Promise<{ milliseconds: number; mebibytes: number }> {
  // As a shell opens it for `>`: "ignore" opens it for reading too, and that means to the program that its stdout is closed.
  const nowhere = openSync("/dev/null", "w");
  const began = performance.now();
  const child = spawn(process.execPath, [join(top, "bin/nixseal"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: home },
    stdio: ["ignore", nowhere, "inherit"],
  });
  closeSync(nowhere);
  let mebibytes = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      mebibytes = Math.max(mebibytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      clearInterval(look); // it has ended
    }
  }, 10);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      clearInterval(look);
      if (code === 0) resolve({ milliseconds: performance.now() - began, mebibytes });
      else reject(new Error(`nixseal ${args.join(" ")}: exit ${code}`));
    });
  });
}
