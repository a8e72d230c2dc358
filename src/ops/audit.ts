import { join, resolve } from "node:path";
import { z } from "zod";
import { Audit } from "../audit/audit.ts";
import { checks } from "../audit/checks/all.ts";
import { areas, type Area } from "../audit/checks/check.ts";
import { rankOf } from "../audit/findings.ts";
import type { Report } from "../audit/report.ts";
import { jsonReport } from "../audit/reporters/json.ts";
import { textReport } from "../audit/reporters/text.ts";
import { directoryTarget, fileTarget } from "../audit/target/directory-target.ts";
import type { Target } from "../audit/target/target.ts";
import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { severities, verdicts } from "../core/finding.ts";
import { didYouMean } from "../core/suggest.ts";
import { op, type Context } from "./op.ts";

const formats = ["text", "json"] as const;

const finding = z.object({
  id: z.string(),
  severity: z.enum(severities),
  verdict: z.enum(verdicts),
  file: z.string().optional(),
  line: z.number().optional(),
  column: z.number().optional(),
  secret: z.string().optional(),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.string().optional(),
  fingerprint: z.string(),
});

export const audit = op({
  effect: "read",
  input: z.object({
    target: z.string().default(".").describe("a directory, a flake.lock or another file"),
    only: z
      .string()
      .optional()
      .meta({ value: "AREAS" })
      .describe(`a comma list of ${areas.join(", ")} (default: all)`),
    format: z.enum(formats).default("text").describe("how the report is written"),
    failOn: z
      .enum(severities)
      .default("low")
      .meta({ value: "SEVERITY" })
      .describe("the least severity that makes the exit code 1"),
  }),
  positional: ["target"],
  output: z.object({
    findings: z.array(finding),
  }) as unknown as z.ZodType<Report & { format: (typeof formats)[number] }>,
  examples: [{ command: "nixseal audit", says: "this directory" }],
  run: async (context, { target: name, only, format, failOn }) => {
    const chosen = chosenAreas(only);
    const target = await openTarget(context, name);
    try {
      const work = new Audit(
        checks.filter((check) => check.areas.some((area) => chosen.includes(area))),
        context.clock.now(),
      );
      const coverage = await work.run(target, (done) =>
        context.emit({ type: "progress", task: "audit", done, total: target.entries.length, unit: "files" }),
      );
      const findings = work.findings.list();
      return {
        target: name,
        only: chosen,
        findings,
        waived: [],
        checks: work.findings.results(),
        coverage,
        failOn,
        failing: findings.filter(({ severity }) => rankOf(severity) >= rankOf(failOn)).length,
        format,
      };
    } finally {
      await target.close();
    }
  },
  text: ({ format, ...report }, paint) =>
    format === "json" ? jsonReport(report) : textReport(report, paint),
  exit: ({ failing }) => (failing > 0 ? exitCodes.findings : exitCodes.done),
});

function chosenAreas(only: string | undefined): readonly Area[] {
  if (only === undefined) return areas;
  const words = only.split(",").map((word) => word.trim());
  return words.map((word) => {
    const area = areas.find((known) => known === word);
    if (area !== undefined) return area;
    throw new NixsealError("usage", `--only: unknown area '${word}'`, {
      hint: didYouMean(word, areas) ?? `one or more of ${areas.join(", ")}, with commas between`,
    });
  });
}

async function openTarget({ files, workingDirectory }: Context, name: string): Promise<Target> {
  const path = resolve(workingDirectory, name);
  const kind = (await files.status(path))?.kind;
  if (kind === "directory") return directoryTarget(files, path);
  if (kind === "file") return fileTarget(files, path);
  throw new NixsealError("not-found", "there is nothing to audit", { where: { file: join(path) } });
}
