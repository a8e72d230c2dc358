import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Benchmark } from "./figure.ts";

const nixseal = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));
const runs = 15;

/** The fastest of some runs: what else the machine does only ever adds. */
function fastest(args: readonly string[]): number {
  const times = Array.from({ length: runs }, () => {
    const began = process.hrtime.bigint();
    if (spawnSync(process.execPath, args).status !== 0) throw new Error(args.join(" "));
    return Number(process.hrtime.bigint() - began) / 1e6;
  });
  return Math.min(...times);
}

/** From the shell's prompt to the end, beside a Node that does nothing. */
export async function bench(): Promise<Benchmark> {
  const bare = fastest(["-e", "0"]);
  const beside = `node -e 0: ${bare.toFixed(0)} ms`;
  const figure = (what: string, args: readonly string[]) => {
    const value = fastest([nixseal, ...args]);
    return { what, value, unit: "ms", beside, ratio: value / bare };
  };
  return {
    name: "start",
    figures: [
      figure("nixseal --help (at most 2 times wanted)", ["--help"]),
      figure("nixseal secrets --help", ["secrets", "--help"]),
      figure("nixseal secrets rekey --help", ["secrets", "rekey", "--help"]),
    ],
  };
}
