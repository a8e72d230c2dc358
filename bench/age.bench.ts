import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Benchmark, Figure } from "./figure.ts";

const nixseal = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));
const mebibytes = 100;

/** Seconds of the fastest of three runs, and the most memory that one had, in MiB. */
function measure(program: string, args: readonly string[]): { seconds: number; memory: number } {
  const runs = Array.from({ length: 3 }, () => {
    const began = process.hrtime.bigint();
    const { status, stderr } = spawnSync("/usr/bin/time", ["-f", "%M", program, ...args], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    return { seconds: Number(process.hrtime.bigint() - began) / 1e9, memory: Number(stderr.trim()) / 1024 };
  });
  const fastest = runs.reduce((best, run) => (run.seconds < best.seconds ? run : best));
  return { seconds: fastest.seconds, memory: Math.max(...runs.map(({ memory }) => memory)) };
}

/** A large file through `age encrypt` and `decrypt`, start included, beside the age program. All on tmpfs. */
export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync("/dev/shm/nixseal-bench-");
  const at = (name: string): string => join(directory, name);
  try {
    writeFileSync(at("plain"), randomBytes(mebibytes << 20));
    spawnSync("age-keygen", ["-o", at("key")]);
    const recipient = spawnSync("age-keygen", ["-y", at("key")], { encoding: "utf8" }).stdout.trim();
    const figure = (what: string, ours: string[], peer: string[]): Figure => {
      const theirs = measure("age", peer);
      const { seconds, memory } = measure(nixseal, ours);
      const beside = `age: ${Math.round(mebibytes / theirs.seconds)} MB/s; memory ${Math.round(memory)} MiB`;
      return { what, value: mebibytes / seconds, unit: "MB/s", beside, ratio: theirs.seconds / seconds };
    };
    const encrypt = ["-r", recipient, "-o", at("file"), at("plain")];
    const decrypt = ["-i", at("key"), "-o", at("out"), at("file")];
    return {
      name: `${mebibytes} MiB as an age file`,
      figures: [
        figure("encrypt", ["age", "encrypt", ...encrypt], encrypt),
        figure("decrypt", ["age", "decrypt", ...decrypt], ["-d", ...decrypt]),
      ],
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
