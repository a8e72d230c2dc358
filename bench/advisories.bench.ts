import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildIndex } from "../src/audit/advisories/index/build.ts";
import { AdvisoryIndex } from "../src/audit/advisories/index/read.ts";
import { generatedAdvisories, generatedClosure } from "../test/support/advisory-feed.ts";
import type { Benchmark } from "./figure.ts";

const size = { advisories: 350_000, rangesEach: 5, seed: 1 };
const rounds = 5;
const nixseal = fileURLToPath(new URL("../../bin/nixseal", import.meta.url));

function seconds(args: readonly string[]): number {
  const began = performance.now();
  const { status, error } = spawnSync(nixseal, args, { stdio: "ignore", timeout: 60_000 });
  if (error !== undefined) throw error;
  if (status !== 0 && status !== 1) throw new Error(`nixseal ${args.join(" ")}: exit code ${status}`);
  return (performance.now() - began) / 1000;
}

export async function bench(): Promise<Benchmark> {
  const directory = mkdtempSync(join(tmpdir(), "nixseal-bench-"));
  try {
    const [index, closure, empty] = ["index", "closure", "empty"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(index, buildIndex(generatedAdvisories(size)));
    writeFileSync(closure, `${generatedClosure(3000, 2).join("\n")}\n`);
    writeFileSync(empty, `${generatedClosure(1, 2).join("\n")}\n`);
    const ranges = new AdvisoryIndex(readFileSync(index)).ranges;
    const best = (args: readonly string[]): number =>
      Math.min(...Array.from({ length: rounds }, () => seconds(args)));
    const whole = best(["advisories", "match", closure, "--index", index, "--json"]);
    const start = best(["nix", "compare-versions", "1", "2"]);
    const megabytes = peakMegabytes([nixseal, "advisories", "match", closure, "--index", index, "--json"]);
    const beside = `the program's own start: ${start.toFixed(2)} s; target: 0.5 s`;
    return {
      name: `Advisories: 3,000 paths against ${size.advisories} advisories, ${ranges} ranges, ${Math.round(statSync(index).size / 1e6)} MB`,
      figures: [
        { what: "whole process", value: whole, unit: "s", beside, ratio: whole / 0.5 },
        {
          what: "peak memory",
          value: megabytes,
          unit: "MB",
          beside: "target: 200 MB",
          ratio: megabytes / 200,
        },
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The kernel's count of the child's largest resident set, asked by a small parent of its own. */
function peakMegabytes(command: readonly string[]): number {
  const script =
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);" +
    " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
  const { stdout, error } = spawnSync("python3", ["-c", script, ...command], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  return (Number(stdout) * 1024) / 1e6;
}
