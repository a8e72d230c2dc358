import * as z from "zod";
import type { Report } from "../../audit/report.ts";
import { severities, verdicts } from "../../core/finding.ts";

const finding = z.object({
  id: z.string().describe("of the check, or of the advisory"),
  severity: z.enum(severities),
  verdict: z.enum(verdicts),
  file: z.string().optional().describe("relative to the target"),
  line: z.number().optional(),
  column: z.number().optional(),
  secret: z.string().optional().describe("the secret's name, never its value"),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.string().optional(),
  fingerprint: z.string().describe("what `nixseal waive` takes"),
  package: z.string().optional().describe("what follows stands only in findings about a package"),
  version: z.string().optional(),
  paths: z.array(z.string()).readonly().optional().describe("store paths of the package"),
  aliases: z.array(z.string()).readonly().optional(),
  because: z
    .enum(["statement", "output", "patch", "configuration", "version", "weak-evidence", "unordered"])
    .optional(),
  score: z.number().nullable().optional().describe("CVSS"),
  epss: z.number().nullable().optional(),
  exploited: z.string().nullable().optional().describe("since when CISA lists it as exploited"),
  mayAct: z.boolean().optional().describe("the team signed that hosts may act on it by themselves"),
  units: z.array(z.string()).readonly().optional(),
});

/** The report as JSON has it. */
export const auditReport: z.ZodType<Report> = z.object({
  target: z.string(),
  at: z.string(),
  only: z.array(z.string()),
  findings: z.array(finding),
  waived: z.array(
    finding.extend({ waiver: z.object({ owner: z.string(), until: z.string(), because: z.string() }) }),
  ),
  checks: z.array(
    z.object({ id: z.string(), affected: z.number(), unknown: z.number(), notAffected: z.number() }),
  ),
  coverage: z.object({
    files: z.number(),
    read: z.number(),
    bytes: z.number(),
    asked: z.number().describe("option values that a check asked for"),
    known: z.number().describe("those of them that the source tells"),
    leftOut: z.array(z.object({ file: z.string(), reason: z.string() })),
    leftOutCount: z.number(),
  }),
  vulnerabilities: z
    .object({
      state: z
        .enum(["current", "stale", "missing", "nothing"])
        .describe(
          "stale: nothing means clean; missing: no advisories; nothing: no closure and no flake.lock",
        ),
      subject: z.string(),
      staleSince: z.string().nullable(),
      feed: z.object({ name: z.string(), version: z.number(), expires: z.string() }).nullable(),
      coverage: z
        .object({ packages: z.number(), known: z.number(), percent: z.number(), others: z.number() })
        .nullable(),
      outOfRange: z.number().describe("advisories that know a package and leave its version out"),
      notListed: z.number().describe("findings beyond what a report takes"),
    })
    .nullable(),
  failOn: z.enum(severities),
  failing: z.number(),
});
