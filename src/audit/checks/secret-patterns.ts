import { isPlaceholder } from "./judges.ts";
import { entropy } from "./text-matches.ts";

/** A kind of token by the form that its issuer gave it. The first group is the secret. */
export interface TokenPattern {
  readonly what: string;
  /** Text that every match holds: most files have none, and then no expression runs. */
  readonly holds: string;
  readonly pattern: RegExp;
}

// Issuers publish these prefixes so that tools can find leaked tokens. Lengths are bounded: no pattern backtracks.
export const tokenPatterns: readonly TokenPattern[] = [
  { what: "a GitHub token", holds: "gh", pattern: /(?<![\w-])(gh[pousr]_[A-Za-z0-9]{36,255})(?!\w)/g },
  {
    what: "a GitHub token",
    holds: "github_pat_",
    pattern: /(?<![\w-])(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?!\w)/g,
  },
  { what: "a GitLab token", holds: "glpat-", pattern: /(?<![\w-])(glpat-[A-Za-z0-9_-]{20,64})(?![\w-])/g },
  { what: "an AWS access key", holds: "AKIA", pattern: /(?<!\w)(AKIA[A-Z2-7]{16})(?!\w)/g },
  { what: "a Slack token", holds: "xox", pattern: /(?<![\w-])(xox[abprs]-[A-Za-z0-9-]{20,200})(?![\w-])/g },
  { what: "a Stripe key", holds: "k_live_", pattern: /(?<![\w-])([rs]k_live_[A-Za-z0-9]{16,128})(?!\w)/g },
  { what: "a Google API key", holds: "AIza", pattern: /(?<![\w-])(AIza[A-Za-z0-9_-]{35})(?![\w-])/g },
  { what: "an npm token", holds: "npm_", pattern: /(?<![\w-])(npm_[A-Za-z0-9]{36})(?!\w)/g },
  {
    what: "a PyPI token",
    holds: "pypi-",
    pattern: /(?<![\w-])(pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,300})(?![\w-])/g,
  },
  { what: "a DigitalOcean token", holds: "_v1_", pattern: /(?<![\w-])(do[opr]_v1_[a-f0-9]{64})(?!\w)/g },
  {
    what: "a SendGrid key",
    holds: "SG.",
    pattern: /(?<![\w-])(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?![\w-])/g,
  },
  {
    what: "an OpenAI key",
    holds: "sk-",
    pattern: /(?<![\w-])(sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40,200})(?![\w-])/g,
  },
  {
    what: "an Anthropic key",
    holds: "sk-ant-",
    pattern: /(?<![\w-])(sk-ant-[a-z0-9]{2,8}-[A-Za-z0-9_-]{80,120})(?![\w-])/g,
  },
  {
    what: "a Tailscale key",
    holds: "tskey-",
    pattern: /(?<![\w-])(tskey-(?:auth|api|client)-[A-Za-z0-9]{8,24}-[A-Za-z0-9]{16,48})(?!\w)/g,
  },
  { what: "a Vault token", holds: "hvs.", pattern: /(?<![\w.-])(hvs\.[A-Za-z0-9_-]{24,200})(?![\w-])/g },
  {
    what: "a Cachix token",
    holds: "CACHIX",
    pattern: /CACHIX_(?:AUTH_TOKEN|SIGNING_KEY)["']?\s*[=:]\s*["']?([A-Za-z0-9._+/=:-]{40,400})/g,
  },
];

/** Whether a text can be a value that somebody generated: no placeholder, and not a few characters over and over. */
export function looksGenerated(text: string): boolean {
  return (
    !isPlaceholder(text) &&
    !/example|placeholder|xxxxx|00000000|12345678|abcdefgh/i.test(text) &&
    entropy(text) >= 3
  );
}

/** Names of variables and options whose value is meant to be secret. */
export const secretName =
  /(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|signing[_-]?key|encryption[_-]?key|credentials?|psk|adminpass|dbpass|rootpass)$/i;
