import { NixsealError } from "../../core/errors.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { sshTag } from "../age/ssh-tag.ts";
import type { Stanza } from "../age/stanza.ts";
import type { SecretRecord } from "./record.ts";

/** What a file's header and record say about whom it is for, compared with whom it should be for. */
export interface Evidence {
  readonly stanzas: readonly Stanza[];
  readonly record: SecretRecord | null;
  /** sha256 of the ciphertext file, hex. */
  readonly digest: string;
}

export interface Judgement {
  readonly upToDate: boolean;
  /** Who should be able to read it and is not among the recipients, as far as can be told. */
  readonly missing: readonly string[];
  /** Who can read it and should not: names of the record, or SSH tags that nobody in the inventory has. */
  readonly surplus: readonly string[];
  /**
   * How sure it is: `record` when the recorded list belongs to this very file, `stanzas` when there is no such list. SSH
   * recipients show in their stanzas; X25519 ones are anonymous and can only be counted.
   */
  readonly evidence: "record" | "stanzas";
}

/** What stanzas show of recipients that were looked at before: a fleet has few recipients and many secrets. */
export type Marks = Map<string, string>;

/**
 * Whether a secret's file is for the wanted recipients, without any key. The stanzas must fit, and so must the recorded
 * list where there is one: a record that lags behind (killed between the two writes) makes the file out of date, so
 * that a second rekey finishes what the first began.
 */
export function judge(
  wanted: readonly NamedRecipient[],
  evidence: Evidence,
  marks: Marks = new Map(),
): Judgement {
  const byStanzas = compareStanzas(wanted, evidence.stanzas, marks);
  const byRecord = evidence.record === null ? null : compareRecord(wanted, evidence.record);
  const told = byRecord !== null && evidence.record?.digest === evidence.digest ? "record" : "stanzas";
  const missing = new Set([...byStanzas.missing, ...(byRecord?.missing ?? [])]);
  const surplus = new Set([...byStanzas.surplus, ...(byRecord?.surplus ?? [])]);
  return {
    upToDate: missing.size === 0 && surplus.size === 0,
    missing: [...missing].sort(),
    surplus: [...surplus].sort(),
    evidence: told,
  };
}

interface Difference {
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

function compareRecord(wanted: readonly NamedRecipient[], record: SecretRecord): Difference {
  const recorded = Object.entries(record.recipients).flatMap(([name, list]) =>
    list.map((recipient) => ({ name, recipient })),
  );
  const inRecord = new Set(recorded.map(({ recipient }) => recipient));
  const inWanted = new Set(wanted.map(({ recipient }) => recipient));
  return {
    missing: wanted.filter(({ recipient }) => !inRecord.has(recipient)).map(({ name }) => name),
    surplus: recorded.filter(({ recipient }) => !inWanted.has(recipient)).map(({ name }) => name),
  };
}

function compareStanzas(
  wanted: readonly NamedRecipient[],
  stanzas: readonly Stanza[],
  marks: Marks,
): Difference {
  const left = new Map<string, number>();
  for (const mark of stanzas.map(markOfStanza)) if (mark !== null) left.set(mark, (left.get(mark) ?? 0) + 1);
  const missing: string[] = [];
  const seen = new Set<string>();
  for (const { name, recipient } of wanted) {
    if (seen.has(recipient)) continue; // one key of two people has one stanza
    seen.add(recipient);
    const mark = marks.get(recipient) ?? markOfRecipient(recipient);
    marks.set(recipient, mark);
    const count = left.get(mark) ?? 0;
    if (count === 0) missing.push(name);
    else left.set(mark, count - 1);
  }
  const surplus = [...left].flatMap(([mark, count]) =>
    count > 0 ? [`${count} unexpected recipient${count > 1 ? "s" : ""} (${mark})`] : [],
  );
  return { missing, surplus };
}

/** What a stanza shows of its recipient; null for grease, which rage adds and nobody can read. */
function markOfStanza({ args }: Stanza): string | null {
  const [type = "", tag = ""] = args;
  if (type.endsWith("-grease")) return null;
  if (type === "ssh-ed25519" || type === "ssh-rsa") return `${type} ${tag}`;
  return anonymous.has(type) ? type : "other";
}

const anonymous = new Set(["X25519", "mlkem768x25519", "scrypt"]);

/** The same for a recipient of the inventory. */
function markOfRecipient(recipient: string): string {
  if (recipient.startsWith("ssh-")) {
    const { key } = parsePublicKeyLine(recipient);
    return `${key.type} ${sshTag(key.blob)}`;
  }
  if (recipient.startsWith("age1pq1")) return "mlkem768x25519";
  if (/^age1[^1]+$/.test(recipient)) return "X25519";
  if (recipient.startsWith("age1")) return "other";
  throw new NixsealError("config", `'${recipient.slice(0, 20)}' is not an age recipient`);
}
