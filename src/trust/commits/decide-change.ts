/**
 * Whether a commit may do what it does, by the policy in one of its parents. Pure: the evidence was gathered before,
 * and for the same evidence and policy the answer is always the same. A commit stands when every parent's policy says yes.
 */
import { leadsAway, matchesPath } from "./path-pattern.ts";
import { policyPath, type CommitRight, type Policy, type PolicyMember } from "./policy.ts";
import { refuse, type CommitDecision } from "./refusal.ts";

export interface ChangeEvidence {
  /** Who signed, by the parent's policy. */
  readonly signer: CommitDecision;
  /** Whether one of the parent's forge keys signed; null when it names none or a member signed. */
  readonly forge: CommitDecision | null;
  readonly isMerge: boolean;
  /** What differs from the parent; bytes as Latin-1. */
  readonly paths: readonly string[];
  /** What becomes of the policy file. */
  readonly policyFile: "same" | "changed" | "removed" | "broken";
  /** Members of the parent's policy who approved the change of the policy. */
  readonly approvers: ReadonlySet<string>;
  /** Whether the content is exactly what git makes of authenticated parents; asked only for forge keys. */
  readonly reproduced: boolean;
}

export function decideChange(evidence: ChangeEvidence, policy: Policy): CommitDecision {
  if (evidence.policyFile === "removed") return refuse("no-policy", `takes ${policyPath} away`);
  if (evidence.policyFile === "broken")
    return refuse("no-policy", `leaves a ${policyPath} that cannot be read`);
  const odd = evidence.paths.find(leadsAway);
  if (odd !== undefined) return refuse("malformed", `has the path ${printable(odd)}, which leads elsewhere`);
  if (!evidence.signer.accepted) {
    return evidence.forge?.accepted === true ? decideForge(evidence, evidence.forge) : evidence.signer;
  }
  const { principal } = evidence.signer;
  const member = policy.members.get(principal);
  if (member === undefined)
    return refuse("unknown-signer", `${principal} is no member in the parent's policy`);
  const needed = evidence.isMerge ? "merge" : "commit";
  const changesPolicy = evidence.policyFile === "changed";
  const onlyPolicy = changesPolicy && evidence.paths.every((path) => path === policyPath);
  const given = evidence.signer.rights;
  const has = (right: CommitRight): boolean =>
    member.rights.has(right) && (given === null || given.includes(right));
  if (!has(needed) && !(onlyPolicy && !evidence.isMerge))
    return refuse("right", `${principal} does not have the right '${needed}'`);
  // The policy's own path is for the right `policy`, but for a change that leaves the content: that of its mode.
  const path = evidence.paths.find(
    (one) => !(changesPolicy && one === policyPath) && !mayChange(member, one),
  );
  if (path !== undefined) {
    return refuse("right", `${principal} may not change ${printable(path)}${othersOf(evidence.paths)}`);
  }
  if (!changesPolicy) return evidence.signer;

  if (!has("policy")) return refuse("right", `${principal} may not change ${policyPath}`);
  const agreeing = [...new Set([principal, ...evidence.approvers])].filter(
    (name) => policy.members.get(name)?.rights.has("policy") === true,
  );
  if (agreeing.length < policy.threshold) {
    return refuse(
      "approvals",
      `changes the policy with ${agreeing.length} of ${policy.threshold} members (${agreeing.join(", ")})`,
    );
  }
  return evidence.signer;
}

/** A forge's key says only that somebody pressed a button there: the content must be that of members. */
function decideForge(
  evidence: ChangeEvidence,
  forge: CommitDecision & { readonly accepted: true },
): CommitDecision {
  if (evidence.policyFile === "changed")
    return refuse("right", `the forge ${forge.principal} may not change ${policyPath}`);
  if (!evidence.reproduced) {
    return refuse(
      "forge-content",
      `the forge ${forge.principal} signed content that git does not make of its members' commits`,
    );
  }
  return forge;
}

function mayChange(member: PolicyMember, path: string): boolean {
  return member.paths.some((pattern) => matchesPath(pattern, path));
}

function othersOf(paths: readonly string[]): string {
  return paths.length > 1 ? ` (one of ${paths.length} paths)` : "";
}

function printable(path: string): string {
  return Buffer.from(path.slice(0, 200), "latin1").toString("utf8");
}
