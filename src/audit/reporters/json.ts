import type { Report } from "../report.ts";

/** The report as one JSON document: what `--json` prints. */
export function jsonReport(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
