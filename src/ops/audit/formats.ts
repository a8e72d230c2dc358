import type { Report } from "../../audit/report.ts";
import { htmlReport } from "../../audit/reporters/html.ts";
import { jsonReport } from "../../audit/reporters/json.ts";
import { junitReport } from "../../audit/reporters/junit.ts";
import { sarifReport } from "../../audit/reporters/sarif.ts";
import { textReport } from "../../audit/reporters/text.ts";
import { vexReport } from "../../audit/reporters/vex.ts";
import type { Paint } from "../op.ts";

export const formats = ["text", "json", "sarif", "junit", "html", "vex"] as const;
export type Format = (typeof formats)[number];

/** For files: no colours. */
export const plain: Paint = { good: same, bad: same, weak: same, strong: same };

export function rendered(report: Report, format: Format, paint: Paint): string {
  switch (format) {
    case "text":
      return textReport(report, paint);
    case "json":
      return jsonReport(report);
    case "sarif":
      return sarifReport(report);
    case "junit":
      return junitReport(report);
    case "html":
      return htmlReport(report);
    case "vex":
      return vexReport(report);
  }
}

function same(text: string): string {
  return text;
}
