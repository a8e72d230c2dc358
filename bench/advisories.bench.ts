import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildIndex } from "../src/audit/advisories/index/build.ts";
import { AdvisoryIndex } from "../src/audit/advisories/index/read.ts";
import { generatedAdvisories, generatedClosure } from "../test/support/advisory-feed.ts";
import { agreement } from "../test/support/known-answers.ts";
import type { Benchmark, Figure } from "./figure.ts";
import { findVulnix, runVulnix } from "./vulnix.ts";

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
    const paths = generatedClosure(3000, 2);
    writeFileSync(closure, `${paths.join("\n")}\n`);
    writeFileSync(empty, `${generatedClosure(1, 2).join("\n")}\n`);
    const ranges = new AdvisoryIndex(readFileSync(index)).ranges;
    const best = (args: readonly string[]): number =>
      Math.min(...Array.from({ length: rounds }, () => seconds(args)));
    const audit = ["audit", closure, "--index", index, "--json"];
    const whole = best(audit);
    const start = best(["nix", "compare-versions", "1", "2"]);
    const megabytes = peakMegabytes([nixseal, ...audit]);
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
        await besideVulnix(directory, paths, whole),
        agreementFigure(),
      ],
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Both on the same closure with the same advisories, each with what it prepares beforehand. */
async function besideVulnix(directory: string, paths: readonly string[], own: number): Promise<Figure> {
  const vulnix = findVulnix(directory);
  if (vulnix === null)
    return {
      what: "vulnix on the same closure",
      value: 0,
      unit: "s",
      beside: "not measured: there is no vulnix, and it could not be installed (python3 -m venv, pip)",
    };
  const { scan, prepare, findings } = await runVulnix(vulnix, directory, generatedAdvisories(size), paths);
  return {
    what: "vulnix on the same closure",
    value: scan,
    unit: "s",
    beside: `${findings} findings, by product name alone; nixseal ${own.toFixed(2)} s; its database took ${Math.round(prepare)} s to make`,
    ratio: own / scan,
  };
}

/** Cases that other tools get wrong, each with the answer that a person gives. */
function agreementFigure(): Figure {
  const { cases, falsePositives, falseNegatives } = agreement();
  return {
    what: "wrong answers",
    value: falsePositives.length + falseNegatives.length,
    unit: `of ${cases} known answers`,
    beside: `${falsePositives.length} false positives, ${falseNegatives.length} false negatives`,
  };
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
