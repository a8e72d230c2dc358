import { resolve } from "node:path";
import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { severities, verdicts } from "../../core/finding.ts";
import type { AdvisorySet } from "../../audit/advisories/advisory-set.ts";
import { formatTime } from "../../audit/advisories/feed/metadata.ts";
import { auditClosure, type VulnerabilityReport } from "../../audit/match/audit-closure.ts";
import { auditLock } from "../../audit/match/audit-lock.ts";
import { nixpkgsOfLock } from "../../audit/packages/from-lock.ts";
import { inventoryLimits } from "../../audit/packages/package.ts";
import { packagesOf, packagesOfDirectory } from "../../audit/packages/read.ts";
import { inputBytes, naming } from "../nix/input.ts";
import { op, type Context } from "../op.ts";
import { matchText } from "./match-text.ts";
import { openSet } from "./open-set.ts";
import { indexFlag, stateFlag } from "./state.ts";

const finding = z.object({
  id: z.string(),
  severity: z.enum(severities),
  verdict: z.enum(verdicts).optional(),
  package: z.string(),
  version: z.string(),
  paths: z.array(z.string()).readonly(),
  aliases: z.array(z.string()).readonly(),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.string().optional(),
  because: z.string(),
  score: z.number().nullable(),
  epss: z.number().nullable(),
  exploited: z.string().nullable(),
  units: z.array(z.string()).readonly(),
  mayAct: z.boolean().describe("the team signed that hosts may act on it by themselves"),
});

export const match = op({
  effect: "read",
  input: z.object({
    closure: z
      .string()
      .describe(
        "a list of store paths, path-info or derivation JSON, an SBOM, a directory of .drv files, a flake.lock; - is stdin",
      ),
    index: indexFlag,
    all: z.boolean().default(false).describe("also what the version alone rules out"),
    state: stateFlag,
  }),
  positional: ["closure"],
  output: z.object({
    findings: z.array(finding),
    coverage: z
      .object({ packages: z.number(), known: z.number(), percent: z.number(), others: z.number() })
      .nullable(),
    outOfRange: z.number(),
    stale: z.string().nullable().describe("since when the advisories are too old"),
  }),
  examples: [
    {
      command: "nix-store --query --requisites ./result | nixseal advisories match -",
      says: "a closure by the names of its paths",
    },
    { command: "nixseal advisories match sbom.json --index advisories.index --json", says: "for scripts" },
  ],
  run: async (context, { closure, index, all, state }) => {
    const { set, now } = await openSet(context, index, state);
    const report = await reportOn(context, closure, set, now, all);
    return {
      findings: [...report.findings] as z.output<typeof finding>[],
      coverage: report.coverage,
      outOfRange: report.outOfRange,
      stale: report.staleSince === null ? null : formatTime(report.staleSince),
    };
  },
  text: matchText,
  // Too old comes first: whatever was found, more may be wrong.
  exit: ({ findings, stale }) =>
    stale !== null
      ? exitCodes.stale
      : findings.some(({ verdict }) => verdict === "affected")
        ? exitCodes.findings
        : exitCodes.done,
});

type Report = Omit<VulnerabilityReport, "coverage"> & {
  readonly coverage: VulnerabilityReport["coverage"] | null;
};

async function reportOn(
  context: Context,
  closure: string,
  set: AdvisorySet,
  now: Date,
  all: boolean,
): Promise<Report> {
  const path = closure === "-" ? "-" : resolve(context.workingDirectory, closure);
  const isDirectory = path !== "-" && (await context.files.status(path))?.kind === "directory";
  if (isDirectory) return auditClosure(await packagesOfDirectory(context.files, path), set, now, { all });
  return naming(closure, async () => {
    const bytes = await inputBytes(context, path, inventoryLimits.bytes);
    if (!path.endsWith(".lock")) return auditClosure(packagesOf(bytes), set, now, { all });
    const nothing = auditClosure({ packages: [], others: 0 }, set, now);
    const findings = auditLock(nixpkgsOfLock(bytes), set);
    const shown = all ? findings : findings.filter(({ verdict }) => verdict !== "not-affected");
    return { ...nothing, findings: shown, outOfRange: findings.length - shown.length, coverage: null };
  });
}
