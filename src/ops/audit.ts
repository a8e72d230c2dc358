import { basename, resolve } from "node:path";
import { z } from "zod";
import { areas, type Area } from "../audit/checks/check.ts";
import { rankOf } from "../audit/findings.ts";
import type { Report } from "../audit/report.ts";
import { htmlReport } from "../audit/reporters/html.ts";
import { jsonReport } from "../audit/reporters/json.ts";
import { junitReport } from "../audit/reporters/junit.ts";
import { sarifReport } from "../audit/reporters/sarif.ts";
import { textReport } from "../audit/reporters/text.ts";
import { auditTarget } from "../audit/run.ts";
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { severities } from "../core/finding.ts";
import { didYouMean } from "../core/suggest.ts";
import { auditReport } from "./audit-report.ts";
import { openTarget } from "./audit-target.ts";
import { op, type Paint } from "./op.ts";

const formats = ["text", "json", "sarif", "junit", "html"] as const;
type Format = (typeof formats)[number];

const plain: Paint = { good: same, bad: same, weak: same, strong: same };

export const audit = op({
  effect: "read",
  input: z.object({
    target: z
      .string()
      .default(".")
      .describe("a directory, a flake.lock or another file, a bare repository or the address of one"),
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
    out: z
      .string()
      .optional()
      .meta({ value: "FILE", short: "o" })
      .describe("write the report there and only its summary here"),
  }),
  positional: ["target"],
  output: auditReport,
  examples: [
    { command: "nixseal audit", says: "this directory; nothing is evaluated, run or fetched" },
    { command: "nixseal audit --format sarif --out audit.sarif --fail-on high", says: "in CI" },
    {
      command: "nixseal audit https://git.example.org/fleet.git --only secrets,trust",
      says: "a repository elsewhere",
    },
    { command: "nixseal audit --format html -o audit.html", says: "a page to read and print" },
  ],
  run: async (context, { target: name, only, format, failOn, out }) => {
    const chosen = chosenAreas(only);
    const now = context.clock.now();
    const target = await openTarget(context, name);
    try {
      const total = target.entries.length;
      const result = await auditTarget(target, chosen, now, (done) =>
        context.emit({ type: "progress", task: "audit", done, total, unit: "files" }),
      );
      const failing = result.findings.filter(({ severity }) => rankOf(severity) >= rankOf(failOn)).length;
      const shown = name === "." ? basename(context.workingDirectory) : name;
      const report: Report = { target: shown, at: now.toISOString(), ...result, failOn, failing };
      if (out !== undefined)
        await context.files.writeAtomic(
          resolve(context.workingDirectory, out),
          utf8(rendered(report, format, plain)),
          { mode: 0o644 },
        );
      return report;
    } finally {
      await target.close();
    }
  },
  text: (report, paint, { format, out }) => {
    if (out === undefined) return rendered(report, format, paint);
    return `${report.findings.length} finding${report.findings.length === 1 ? "" : "s"}, ${report.failing} at or above ${report.failOn}; the report is in ${out}`;
  },
  exit: ({ failing }) => (failing > 0 ? exitCodes.findings : exitCodes.done),
});

function rendered(report: Report, format: Format, paint: Paint): string {
  if (format === "json") return jsonReport(report);
  if (format === "sarif") return sarifReport(report);
  if (format === "junit") return junitReport(report);
  return format === "html" ? htmlReport(report) : textReport(report, paint);
}

function same(text: string): string {
  return text;
}

function chosenAreas(only: string | undefined): readonly Area[] {
  if (only === undefined) return areas;
  const words = only.split(",").map((word) => word.trim());
  const chosen = words.map((word) => {
    const area = areas.find((known) => known === word);
    if (area !== undefined) return area;
    throw new NixsealError("usage", `--only: unknown area '${word}'`, {
      hint: didYouMean(word, areas) ?? `one or more of ${areas.join(", ")}, with commas between`,
    });
  });
  return [...new Set(chosen)];
}
