import { child, scalar, scalars, type Job, type Step } from "../workflow.ts";
import type { Check, Hit } from "./check.ts";
import { linesWith, matchesOf } from "./text-matches.ts";

const areas = ["config", "trust"] as const;
const hardening =
  "https://docs.github.com/en/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions";
const expression = /\$\{\{([^}]{0,300})\}\}/g;
const untrusted =
  /\bgithub\.(?:head_ref\b|event\.(?:issue|pull_request|comment|review|review_comment|discussion|head_commit|commits|pages|workflow_run)\b.*\.(?:title|body|message|label|ref|head_branch|head_ref|email|name|page_name|default_branch)\b)/;
const decrypts =
  /\b(?:SOPS_AGE_KEY(?:_FILE|_CMD)?|SOPS_AGE_SSH_PRIVATE_KEY_FILE|AGE_SECRET_KEY|AGE_IDENTITY|AGENIX_(?:KEY|IDENTITY)|NIXSEAL_IDENTITY|VAULT_TOKEN|GIT_CRYPT_KEY)\b|secrets\.\w*(?:AGE|SOPS|AGENIX|GPG|PGP|GIT_?CRYPT|DECRYPT)\w*(?:KEY|IDENTITY|PRIVATE|SECRET)\w*/;
const decrypting =
  /(?:^|[\s;&|(])(?:sops\s+(?:[^|;&\n]*\s)?(?:-d|--decrypt|decrypt|exec-env|exec-file)\b|r?age\s+(?:[^|;&\n]*\s)?(?:-d|--decrypt)\b|agenix\s+(?:[^|;&\n]*\s)?(?:-d|--decrypt)\b|git-crypt\s+unlock\b|nixseal\s+secrets\s+get\b)/;

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
    id: "CI005",
    name: "decryption-key-in-ci",
    severity: "high",
    areas: ["config", "secrets", "trust"],
    title: "CI holds a key that decrypts secrets",
    means: "Whoever takes over a runner, or one action, has every secret of the fleet.",
    fix: "let CI check ('nixseal secrets check' needs no key) and let hosts decrypt",
    references: [hardening],
    *find({ top, jobs }): Generator<Hit> {
      const lines = new Set<number>();
      for (const { line, text, key } of scalars(top))
        if (key !== "run" && (decrypts.test(text) || (decrypts.test(key) && text !== ""))) lines.add(line);
      for (const step of stepsOf(jobs)) {
        for (const { line } of scriptLines(step, decrypting)) lines.add(line);
        for (const { line } of scriptLines(step, decrypts)) lines.add(line);
      }
      for (const line of lines) yield { line };
    },
  },
  {
    looksAt: "workflow",
    id: "CI006",
    name: "secret-in-log",
    severity: "high",
    areas: ["config", "secrets"],
    title: "a secret is printed or put on a command line",
    means:
      "Logs are kept and read by many; the forge hides only the exact value, not base64 or a part of it.",
    fix: "give the secret in env: and let the program read it from there or from stdin",
    references: [`${hardening}#using-secrets`],
    *find({ jobs }): Generator<Hit> {
      for (const step of stepsOf(jobs)) {
        yield* scriptLines(
          step,
          /\b(?:echo|printf|cat|tee|print)\b.*\$\{\{\s*secrets\.|\$\{\{\s*secrets\..*\|\s*base64\b/,
        );
        // With `set -x` the shell prints every command, secrets in it too.
        const traced = step.run?.includes("secrets.") === true && /\$\{\{\s*secrets\./.test(step.run);
        if (traced) yield* scriptLines(step, /^\s*set\s+-[a-wyz]*x/);
      }
    },
  },
  {
    looksAt: "workflow",
    id: "CI007",
    name: "script-injection",
    severity: "critical",
    areas,
    title: "text that anybody can write becomes part of a script",
    means: "A pull request titled `$(…)` runs commands with the workflow's rights.",
    fix: 'put it into env: and use "$NAME" in the script',
    references: [`${hardening}#understanding-the-risk-of-script-injections`],
    *find({ jobs }): Generator<Hit> {
      for (const { run, runLine, fields } of stepsOf(jobs)) {
        const script = run ?? scalar(child(child(fields, "with"), "script"));
        for (const { line, match } of matchesOf(script ?? "", expression))
          if (untrusted.test(match[1]!)) yield { line: runLine + line - 1, evidence: match[0].slice(0, 120) };
      }
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
    id: "CI009",
    name: "curl-to-shell",
    severity: "medium",
    areas,
    title: "a script from the network is run as it comes",
    means: "Whoever holds that address runs code with the workflow's rights.",
    fix: "use an action that is named by its commit, or check the file's hash first",
    references: ["https://cwe.mitre.org/data/definitions/494.html"],
    *find({ jobs }): Generator<Hit> {
      for (const step of stepsOf(jobs))
        yield* scriptLines(
          step,
          /\b(?:curl|wget)\b[^|;]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:ba|z)?sh\s+(?:-\w+\s+)?<\(\s*(?:curl|wget)\b/,
        );
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
  {
    looksAt: "workflow",
    id: "CI011",
    name: "deploys-as-root",
    severity: "medium",
    areas,
    title: "CI logs in to hosts as root",
    means: "A stolen runner is root on every host, and nothing on the host asks what it brings.",
    fix: "deploy as a user that can hand over signed closures and nothing else",
    references: [hardening],
    *find({ jobs }): Generator<Hit> {
      for (const step of stepsOf(jobs))
        yield* scriptLines(
          step,
          /(?:--target-host|--build-host|\bssh\b|\bscp\b|\brsync\b|\bnix\s+copy\b|ssh(?:-ng)?:\/\/)[^;|]*\broot@/,
        );
    },
  },
];

function stepsOf(jobs: readonly Job[]): Step[] {
  return jobs.flatMap(({ steps }) => steps);
}

/** The lines of a step's script that match, as lines of the workflow. */
function* scriptLines({ run, runLine }: Step, pattern: RegExp): Generator<Hit & { line: number }> {
  for (const { line } of linesWith(run ?? "", pattern)) yield { line: runLine + line! - 1 };
}

/** A commit, or an image by its digest. */
function isPinned(uses: string): boolean {
  return /@[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(uses) || /^docker:\/\/.+@sha256:[0-9a-f]{64}$/.test(uses);
}
