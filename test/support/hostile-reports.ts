/** Reports on what was made to break out of them. */
import { advisorySet } from "../../src/audit/advisories/advisory-set.ts";
import { emptyAdvisory, type Advisory } from "../../src/audit/advisories/advisory.ts";
import { buildIndex } from "../../src/audit/advisories/index/build.ts";
import { AdvisoryIndex } from "../../src/audit/advisories/index/read.ts";
import { noFiles, type Report } from "../../src/audit/report.ts";
import { closureVulnerabilities } from "../../src/audit/vulnerabilities.ts";
import { reportOf, today } from "./audit.ts";
import { evil } from "./reports.ts";

/** Of a repository: names, values and lines. */
export async function hostileReport(): Promise<Report> {
  const name = `a b/%2e/${evil.replaceAll("/", "")}.nix`;
  const result = await reportOf({
    [name]: `{ services.openssh.settings.PermitRootLogin = "yes"; nix.settings.trusted-users = [ ''${evil}'' ]; networking.firewall.enable = x; }`,
    ".github/workflows/x.yml": `on: push\njobs:\n  a:\n    steps:\n      - uses: "${evil.replaceAll('"', "").replaceAll("\u001b", "")}@v1"\n`,
  });
  const [first, ...rest] = result.findings;
  return {
    target: evil,
    at: today.toISOString(),
    only: ["config"],
    ...result,
    findings: rest,
    waived: [{ ...first!, waiver: { owner: evil, until: "2027-01-01", because: evil } }],
    vulnerabilities: null,
    failOn: "low",
    failing: 1,
  };
}

/** A closure of which the advisories say all that they can, in words made to be markup and escape codes. */
export function vulnerableReport(): Report {
  const product = { kind: "product", vendor: "vim", target: "", reason: "", source: "x" } as const;
  const range = {
    status: "affected",
    type: "custom",
    from: null,
    fromExclusive: false,
    to: "9.1",
    end: "before",
  } as const;
  const of = (id: string, name: string, more: Partial<Advisory> = {}): Advisory => ({
    ...emptyAdvisory,
    id,
    summary: `${id} ${evil}`,
    affected: [{ ...product, name, ranges: [range] }],
    ...more,
  });
  const index = buildIndex([
    of("CVE-2026-0001", "vim", { score: 9.8, exploited: "2026-01-02", aliases: ["GHSA-aaaa-bbbb-cccc"] }),
    of("CVE-2026-0002", "vim"),
    of("GHSA-aaaa-bbbb-cccd", "vim", { team: { condition: { option: '<b>&"', equals: true } } }),
    of("TEAM-4", "panel"),
  ]);
  const path = `/nix/store/${"0".repeat(32)}-vim-9.0`;
  const packages = [
    {
      name: "vim",
      version: "9.0",
      paths: [path],
      patches: ["CVE-2026-0002.patch"],
      cpes: [],
      purls: [],
      repository: null,
    },
    { name: "panel", version: "1.0", paths: [], patches: null, cpes: [], purls: [], repository: null },
  ];
  const advisories = { set: advisorySet([new AdvisoryIndex(index)], null), feed: null, now: today };
  const { findings, answer } = closureVulnerabilities({ packages, others: 1 }, evil, advisories, {
    all: true,
  });
  return {
    target: evil,
    at: today.toISOString(),
    only: ["vulnerabilities"],
    findings: findings.slice(1),
    waived: [{ ...findings[0]!, waiver: { owner: evil, until: "2027-01-01", because: evil } }],
    checks: [],
    coverage: noFiles,
    vulnerabilities: answer,
    failOn: "low",
    failing: 0,
  };
}
