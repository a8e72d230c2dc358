import { child, scalar, scalars } from "../workflow.ts";
import type { Check, Hit } from "./check.ts";
import { scriptLines, stepsOf } from "./script-lines.ts";
import { matchesOf } from "./text-matches.ts";

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

/** What the scripts of workflows do, and what they hold. */
export const workflowScriptChecks: readonly Check[] = [
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
