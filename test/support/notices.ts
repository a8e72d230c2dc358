import type { VulnerabilityFinding } from "../../src/audit/match/finding.ts";
import type { Notice, Notices } from "../../src/watch/notices.ts";

export const checked = "2026-11-22T07:00:00Z";

export const notice = (advisory: string, more: Partial<Notice> = {}): Notice => ({
  advisory,
  package: "vim",
  version: "9.0.1",
  severity: "high",
  message: `vim 9.0.1: overflow (${advisory})`,
  hint: null,
  exploited: false,
  mayAct: false,
  since: checked,
  new: true,
  ...more,
});

/** What a look found, good until 2100. */
export const noticesWith = (notices: readonly Notice[], more: Partial<Notices> = {}): Notices => ({
  version: 1,
  checked,
  system: null,
  feed: { name: "test", version: 1, expires: "2100-01-01T00:00:00Z" },
  coverage: { packages: 2, known: 1, percent: 50 },
  affected: notices.length,
  unknown: 0,
  notices,
  more: 0,
  stopped: [],
  kept: [],
  problems: [],
  ...more,
});

/** An affected package, critical. */
export const finding = (id: string, more: Partial<VulnerabilityFinding> = {}): VulnerabilityFinding => ({
  id,
  severity: "critical",
  verdict: "affected",
  package: "p",
  version: "1",
  paths: [],
  aliases: [],
  message: id,
  because: "version",
  score: null,
  epss: null,
  exploited: null,
  units: [],
  mayAct: false,
  ...more,
});
