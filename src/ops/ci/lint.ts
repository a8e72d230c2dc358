/**
 * What no workflow of a fleet may do, whoever wrote it. It reads lines, not YAML, and errs towards finding: what is
 * spelled so oddly that a line does not show it is for `ci check`'s comparison with the generated files.
 */
import type { Finding } from "../../core/finding.ts";
import type { CiPolicy } from "./policy.ts";

interface Rule {
  readonly id: string;
  readonly severity: Finding["severity"];
  readonly pattern: RegExp;
  readonly message: string;
  readonly hint: string;
}

const lineRules: readonly Rule[] = [
  {
    id: "ci-pull-request-target",
    severity: "critical",
    pattern: /pull_request_target|\bworkflow_run\b/,
    message: "runs with the repository's secrets on what a stranger sent",
    hint: "use pull_request, which has no secrets",
  },
  {
    id: "ci-decryption-key",
    severity: "critical",
    pattern:
      /AGE-SECRET-KEY-|BEGIN [A-Z ]*PRIVATE KEY|NIXSEAL_IDENTITY|SOPS_AGE_KEY|secrets(?:\.|\[['"])\w*(?:AGE|IDENTITY|SOPS|GPG|PGP|DECRYPT)/,
    message: "a key that decrypts is in reach of CI",
    hint: "hosts decrypt for themselves; 'nixseal secrets check' needs no key. Rotate what this key could read",
  },
  {
    id: "ci-decrypts",
    severity: "high",
    pattern:
      /\bnixseal\s+(?:secrets\s+(?:get|set|edit|rekey)|age\s+decrypt|trust\s+(?:init|issue|sign|rotate|revoke))\b/,
    message: "does in CI what only maintainers may do",
    hint: "run it by hand; CI verifies, builds and carries",
  },
  {
    id: "ci-permissions",
    severity: "high",
    pattern:
      /\bpermissions\s*:\s*['"]?write-all|\b(?:contents|actions|id-token|packages|pull-requests)\s*:\s*['"]?write\b/,
    message: "the job's token may write",
    hint: "contents: read is enough to verify, build and deploy",
  },
];

const uses = /(?:^|[\s{,-])["']?uses["']?\s*:\s*["']?([^\s"'#,}]+)/;
/** Of one name, of a computed one, of all at once; the forge's expressions do not tell cases apart. */
const secretUse = /\bsecrets(?:\s*\.\s*([A-Za-z0-9_]+)|\s*\[|\s*\)|\s*:\s*inherit)/gi;

export function lintWorkflow(file: string, text: string, policy: CiPolicy): Finding[] {
  const findings: Finding[] = [];
  const known = policy.delivery === "push" ? policy.deploySecret : null;
  const lines = text.split("\n");
  for (const [index, raw] of lines.entries()) {
    // Only whole lines: what follows a '#' may be inside quotes.
    const content = raw.replace(/^\s*#.*$/, "");
    const place = { file, line: index + 1 };
    for (const { pattern, ...rule } of lineRules)
      if (pattern.test(content)) findings.push({ ...rule, ...place });
    const action = uses.exec(content)?.[1];
    if (action !== undefined && !action.startsWith("./") && !/@[0-9a-f]{40}$/.test(action))
      findings.push({
        id: "ci-unpinned-action",
        severity: "high",
        ...place,
        message: `${action.slice(0, 120)} is not pinned to a commit`,
        hint: "a tag can be moved to other code: write NAME@COMMIT # RELEASE",
      });
    for (const match of content.matchAll(secretUse))
      if (match[1] !== known && match[1] !== "GITHUB_TOKEN")
        findings.push({
          id: "ci-secret",
          severity: "medium",
          ...place,
          message: `uses the secret ${match[1] ?? "of any name"}, which the policy does not know`,
          hint:
            known === null
              ? "hosts pull: CI needs no secret"
              : `the deploy key (${known}) is the only one that CI needs`,
        });
  }
  if (!/^["']?permissions["']?\s*:/m.test(text))
    findings.push({
      id: "ci-permissions",
      severity: "high",
      file,
      message: "has no permissions at its top, so jobs get the repository's default",
      hint: "write 'permissions: {}' at the top and 'contents: read' in each job",
    });
  return findings;
}
