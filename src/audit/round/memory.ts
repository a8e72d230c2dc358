/** What the last rounds found, so that the next one can tell what is new: one file that only nixseal writes. */
import { sameBytes, utf8, utf8Text } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { severities, verdicts, type Severity, type Verdict } from "../../core/finding.ts";
import { Field } from "../../nix/json-fields.ts";
import { items } from "../advisories/fields.ts";

export interface KnownFinding {
  readonly fingerprint: string;
  readonly id: string;
  readonly severity: Severity;
  readonly verdict: Verdict;
  readonly message: string;
  /** When a round saw it first, RFC 3339. */
  readonly since: string;
}

export interface KnownTarget {
  readonly name: string;
  readonly target: string;
  /** What the result depends on: with the same key it would be the same. The empty string when that cannot be told. */
  readonly key: string;
  /** When it was audited last, and from when on it must be audited again whatever its key is. */
  readonly at: string;
  readonly until: string;
  readonly failing: number;
  readonly stale: boolean;
  readonly findings: readonly KnownFinding[];
  /** Why the last try failed; null when it did not. What was found before stays. */
  readonly error: string | null;
}

/** An entry of the feed. */
export interface Change {
  readonly id: string;
  readonly at: string;
  readonly name: string;
  readonly title: string;
  readonly text: string;
  readonly severity: Severity;
}

export interface Memory {
  readonly targets: readonly KnownTarget[];
  /** The newest first. */
  readonly changes: readonly Change[];
}

export const memoryLimits = { bytes: 256 << 20, targets: 1000, findings: 20_000, changes: 200 } as const;
export const noMemory: Memory = { targets: [], changes: [] };

/** `malformed` when it is damaged: then everything would be new, which nobody should be told without knowing why. */
export function parseMemory(bytes: Uint8Array): Memory {
  const top = Field.parse(utf8Text(bytes, "memory of the audits"), "memory of the audits");
  if (top.get("version").value !== 1) throw top.get("version").wrong("1");
  const memory: Memory = {
    targets: items(top.get("targets"), memoryLimits.targets).map(knownTarget),
    changes: items(top.get("changes"), memoryLimits.changes).map((change) => ({
      id: change.get("id").string(),
      at: change.get("at").string(),
      name: change.get("name").string(),
      title: change.get("title").string(),
      text: change.get("text").string(),
      severity: oneOf(change.get("severity"), severities),
    })),
  };
  if (!sameBytes(formatMemory(memory), bytes)) throw top.wrong("what nixseal wrote");
  return memory;
}

export function formatMemory({ targets, changes }: Memory): Uint8Array {
  const value = { version: 1, targets, changes };
  return utf8(`${canonicalJson(value as unknown as Json)}\n`);
}

function knownTarget(field: Field): KnownTarget {
  const error = field.get("error");
  return {
    name: field.get("name").string(),
    target: field.get("target").string(),
    key: field.get("key").string(),
    at: field.get("at").string(),
    until: field.get("until").string(),
    failing: field.get("failing").count(),
    stale: field.get("stale").boolean(),
    findings: items(field.get("findings"), memoryLimits.findings).map((finding) => ({
      fingerprint: finding.get("fingerprint").string(),
      id: finding.get("id").string(),
      severity: oneOf(finding.get("severity"), severities),
      verdict: oneOf(finding.get("verdict"), verdicts),
      message: finding.get("message").string(),
      since: finding.get("since").string(),
    })),
    error: error.isNull ? null : error.string(),
  };
}

function oneOf<T extends string>(field: Field, values: readonly T[]): T {
  const found = values.find((value) => value === field.value);
  if (found === undefined) throw field.wrong(values.join(", "));
  return found;
}
