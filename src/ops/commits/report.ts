/** Verdicts on commits as people, CI services and scripts read them. */
import type { CommitRefusalCode } from "../../trust/commits/refusal.ts";
import type { Paint } from "../op.ts";
import { oneLine } from "../one-line.ts";

export interface ReportOutput {
  /** Commits. */
  readonly accepted: number;
  readonly refused: readonly {
    /** The object id of the commit or tag. */
    readonly commit: string;
    readonly code: CommitRefusalCode;
    readonly reason: string;
  }[];
  /** As asked for; never with `--json`. */
  readonly annotations?: Annotations;
}

export type Annotations = "github" | "forgejo";

/** What the person can do, once a code. */
const hints: Partial<Record<CommitRefusalCode, string>> = {
  unsigned: "sign it: git commit --amend -S, or git rebase --exec 'git commit --amend --no-edit -S' BASE",
  "unknown-signer":
    "add the key to the signers if its owner should be one, else ask where the commit came from",
  expired:
    "sign it with a current key, or begin the range behind commits that you accepted while the key was good",
  revoked:
    "do not use it: whoever has the key could have made it; its content must be signed by somebody else",
  "extra-signature": "make the commit again from its content: git commit --amend -S",
  "malformed-signature":
    "make the commit again from its content: git commit --amend -S; for merges by a forge see docs/commits.md",
  "object-id": "the repository is damaged or was tampered with: clone it again and run git fsck",
  missing: "the repository is damaged or was tampered with: clone it again and run git fsck",
  shallow: "git fetch --unshallow (actions/checkout: fetch-depth: 0)",
  graft: "remove .git/info/grafts",
  replaced: "git replace -d COMMIT",
  approvals: "see docs/commits.md on approving a change of the policy",
  "not-descendant": "somebody rewrote or rolled back the history: find out who, and why",
};

export function reportText({ accepted, refused }: ReportOutput, paint: Paint): string {
  const lines = refused.map(
    ({ commit, code, reason }) =>
      `${paint.bad("refused")} ${oneLine(commit.slice(0, 12))} ${oneLine(reason)} [${code}]`,
  );
  for (const code of new Set(refused.map((one) => one.code))) {
    const hint = hints[code];
    if (hint !== undefined) lines.push(`  ${code}: ${hint}`);
  }
  const commits = accepted === 1 ? "commit" : "commits";
  const verdict =
    refused.length === 0
      ? `${paint.good("good")}: ${accepted} ${commits} accepted`
      : `${accepted} ${commits} accepted, ${refused.length} refused`;
  return [...lines, verdict].join("\n");
}

/** Workflow commands, which the runners of GitHub and of Forgejo read from a step's output. */
export function annotationText({ refused, annotations }: ReportOutput): string {
  if (annotations === undefined) return "";
  return refused
    .map(({ commit, code, reason }) => {
      const title = commandProperty(`commit ${commit.slice(0, 12)} refused: ${code}`);
      return `::error title=${title}::${commandText(`${commit}: ${oneLine(reason)}`)}\n`;
    })
    .join("");
}

/** The author of a refused commit chose parts of the reason: it must not end the command and begin another. */
function commandText(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function commandProperty(text: string): string {
  return commandText(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
