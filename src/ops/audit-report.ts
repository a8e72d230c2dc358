import { z } from "zod";
import type { Report } from "../audit/report.ts";
import { severities, verdicts } from "../core/finding.ts";

const finding = z.object({
  id: z.string(),
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
  failOn: z.enum(severities),
  failing: z.number(),
});
