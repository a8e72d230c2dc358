import * as z from "zod";
import { placeOf } from "../core/errors.ts";
import { severities, type Finding, type Severity } from "../core/finding.ts";
import type { Paint } from "./op.ts";

export const findingSchema: z.ZodType<Finding> = z.object({
  id: z.string(),
  severity: z.enum(severities),
  file: z.string().optional(),
  line: z.number().optional(),
  column: z.number().optional(),
  secret: z.string().optional(),
  message: z.string(),
  hint: z.string().optional(),
});

/** The worst first, each with its place and the way out. */
export function findingsText(findings: readonly Finding[], paint: Paint, nothing: string): string {
  if (findings.length === 0) return paint.good(nothing);
  const worstFirst = [...findings].sort(
    (a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity),
  );
  const lines = worstFirst.flatMap((finding) => {
    const place = placeOf(finding);
    const head = `${label(finding.severity, paint)} ${place === "" ? "" : `${place}: `}${finding.message} [${finding.id}]`;
    return finding.hint === undefined ? [head] : [head, paint.weak(`  hint: ${finding.hint}`)];
  });
  return `${lines.join("\n")}\n\n${findings.length} finding${findings.length === 1 ? "" : "s"}`;
}

function label(severity: Severity, paint: Paint): string {
  return severity === "high" || severity === "critical" ? paint.bad(severity) : paint.strong(severity);
}
