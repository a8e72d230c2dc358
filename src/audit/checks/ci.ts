import { child, scalar, scalars } from "../workflow.ts";
import type { Check, Hit } from "./check.ts";
import { scriptLines } from "./script-lines.ts";

const areas = ["config", "trust"] as const;
const hardening =
  "https://docs.github.com/en/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions";
/** What forges run: who can make it run, with which rights, and what it holds. */
export const workflowChecks: readonly Check[] = [
  {
    looksAt: "workflow",
    id: "CI001",
    name: "pull-request-target-checkout",
    severity: "critical",
    areas,
    title: "code of any pull request runs with the repository's secrets",
    means:
      "Workflows that pull_request_target or workflow_run start have the secrets and a token that writes. Anybody who opens a pull request has them too.",
    fix: "use pull_request; leave what needs a secret to a workflow that checks out nothing of the pull request",
    references: ["https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/"],
    *find({ triggers, jobs }): Generator<Hit> {
      if (!triggers.has("pull_request_target") && !triggers.has("workflow_run")) return;
      for (const { steps } of jobs)
        for (const step of steps) {
          const ref = scalar(child(child(step.fields, "with"), "ref")) ?? "";
          const checkout = /(?:^|\/)checkout@/.test(step.uses ?? "") && /head|merge|pull/.test(ref);
          const fetched = scriptLines(
            step,
            /\bgh\s+pr\s+checkout\b|git\s+(?:fetch|checkout|pull)\b.*(?:pull\/|head)/,
          );
          if (checkout || !fetched.next().done) yield { line: step.line };
        }
    },
  },
  {
    looksAt: "workflow",
    id: "CI002",
    name: "unpinned-action",
    severity: "medium",
    areas,
    title: "an action is named by a tag or branch, which its owner can move",
    means:
      "Who takes over the action's repository runs code with this workflow's rights at once, as happened to tj-actions in 2025.",
    fix: "name the commit: uses: owner/name@<40 hex digits> # v4.2.2",
    references: [`${hardening}#using-third-party-actions`],
    *find({ jobs }): Generator<Hit> {
      for (const job of jobs)
        for (const { uses, line } of [
          ...job.steps,
          { uses: scalar(child(job.fields, "uses")), line: job.line },
        ]) {
          if (uses === undefined || uses.startsWith("./") || uses.startsWith("../") || isPinned(uses))
            continue;
          yield {
            line,
            message: `${uses.slice(0, 120)} is named by a tag or branch, which its owner can move`,
          };
        }
    },
  },
  {
    looksAt: "workflow",
    id: "CI003",
    name: "write-all",
    severity: "high",
    areas,
    title: "the workflow's token may do everything",
    means: "One action that is taken over pushes commits, changes releases and runs other workflows.",
    fix: "give what each job needs: permissions: { contents: read }",
    references: [`${hardening}#using-secrets`],
    *find({ top, jobs }): Generator<Hit> {
      for (const fields of [top, ...jobs.map((job) => job.fields)]) {
        const permissions = child(fields, "permissions");
        if (scalar(permissions) === "write-all") yield { line: permissions!.line };
      }
    },
  },
  {
    looksAt: "workflow",
    id: "CI004",
    name: "no-permissions",
    severity: "low",
    areas,
    title: "the workflow does not say what its token may do",
    means: "The default of the repository or organisation holds, which may be everything.",
    fix: "put permissions: { contents: read } at the top",
    references: [
      "https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions#permissions",
    ],
    *find({ file, top, jobs, triggers }): Generator<Hit> {
      if (!file.startsWith(".github/") || triggers.size === 0 || child(top, "permissions") !== undefined)
        return;
      const without = jobs.find(({ fields }) => child(fields, "permissions") === undefined);
      if (without !== undefined) yield { line: without.line };
    },
  },
  {
    looksAt: "workflow",
    id: "CI008",
    name: "self-hosted-for-pull-requests",
    severity: "high",
    areas,
    title: "pull requests run on a machine of yours",
    means: "Code of a stranger runs in your network, and leaves something behind for the next job.",
    fix: "run pull requests on the forge's machines, or in a virtual machine that is made for one job",
    references: [`${hardening}#hardening-for-self-hosted-runners`],
    *find({ triggers, jobs }): Generator<Hit> {
      if (!triggers.has("pull_request") && !triggers.has("pull_request_target")) return;
      for (const { fields, line } of jobs)
        for (const label of scalars(child(fields, "runs-on")))
          if (label.text === "self-hosted") yield { line: label.line || line };
    },
  },
  {
    looksAt: "workflow",
    id: "CI010",
    name: "all-secrets-passed-on",
    severity: "medium",
    areas,
    title: "all secrets are handed to another workflow or to a script",
    means: "It gets what it does not need, and what is added later too.",
    fix: "name the secrets that it needs",
    references: [
      "https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions#jobsjob_idsecretsinherit",
    ],
    *find({ top, jobs }): Generator<Hit> {
      for (const { fields } of jobs) {
        const secrets = child(fields, "secrets");
        if (scalar(secrets) === "inherit") yield { line: secrets!.line };
      }
      for (const { line, text } of scalars(top)) if (/toJSON\(\s*secrets\s*\)/i.test(text)) yield { line };
    },
  },
];

/** A commit, or an image by its digest. */
function isPinned(uses: string): boolean {
  return /@[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(uses) || /^docker:\/\/.+@sha256:[0-9a-f]{64}$/.test(uses);
}
