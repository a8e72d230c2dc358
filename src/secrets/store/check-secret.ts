import type { Finding } from "../../core/finding.ts";
import type { NamedRecipient } from "../../inventory/recipients.ts";
import { judge, type Marks } from "./judge.ts";
import { ciphertextFile, recordFile, type StoredSecret } from "./stored-secret.ts";

const day = 24 * 60 * 60 * 1000;

/** One declared secret against its files, without any key. `maxAge` is in seconds. */
export function checkSecret(
  secret: { readonly name: string; readonly maxAge: number | null },
  wanted: readonly NamedRecipient[],
  stored: StoredSecret | null,
  now: Date,
  marks: Marks,
): Finding[] {
  const about = { secret: secret.name, file: ciphertextFile(secret.name) };
  if (stored === null) {
    const hint = `set it with \`nixseal secrets set ${secret.name}\``;
    return [
      {
        id: "secret-missing",
        severity: "high",
        ...about,
        message: `secret '${secret.name}' has no value`,
        hint,
      },
    ];
  }
  return [...recipientFindings(secret.name, wanted, stored, marks), ...ageFindings(secret, stored, now)];
}

function recipientFindings(
  name: string,
  wanted: readonly NamedRecipient[],
  stored: StoredSecret,
  marks: Marks,
): Finding[] {
  const about = { secret: name, file: ciphertextFile(name) };
  const { missing, surplus, evidence } = judge(wanted, stored, marks);
  const findings: Finding[] = [];
  const hint = `\`nixseal secrets rekey ${name}\` encrypts it to the recipients of the inventory`;
  if (missing.length > 0)
    findings.push({
      id: "recipient-missing",
      severity: "high",
      ...about,
      message: `secret '${name}' cannot be read by ${listed(missing)}`,
      hint,
    });
  if (surplus.length > 0)
    findings.push({
      id: "recipient-surplus",
      severity: "high",
      ...about,
      message: `secret '${name}' can be read by ${listed(surplus)}, who should not`,
      hint: `${hint}; who could read it may have kept it, so set a new value too`,
    });
  const anonymous = stored.stanzas.some(({ args }) => !args[0]!.startsWith("ssh-"));
  if (findings.length === 0 && evidence === "stanzas" && anonymous && stored.record !== null)
    findings.push({
      id: "record-stale",
      severity: "medium",
      ...about,
      message: `secret '${name}' was changed by something that did not update ${recordFile(name)}`,
      hint: `its anonymous recipients could only be counted; \`nixseal secrets rekey --all ${name}\` makes sure`,
    });
  return findings;
}

function ageFindings(
  secret: { readonly name: string; readonly maxAge: number | null },
  stored: StoredSecret,
  now: Date,
): Finding[] {
  if (secret.maxAge === null) return [];
  const about = { secret: secret.name, file: ciphertextFile(secret.name) };
  if (stored.record === null) {
    const message = `secret '${secret.name}' has a max_age, but nothing says when it was set`;
    return [
      {
        id: "age-unknown",
        severity: "medium",
        ...about,
        message,
        hint: `set it again with \`nixseal secrets set ${secret.name}\``,
      },
    ];
  }
  const expired = Date.parse(stored.record.created) + secret.maxAge * 1000;
  if (now.getTime() < expired) return [];
  const days = Math.floor((now.getTime() - expired) / day);
  const message = `secret '${secret.name}' is ${days} days older than its max_age`;
  return [
    {
      id: "secret-expired",
      severity: "medium",
      ...about,
      message,
      hint: `set a new value with \`nixseal secrets set ${secret.name}\``,
    },
  ];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
