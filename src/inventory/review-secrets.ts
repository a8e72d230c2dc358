import type { Fleet, Secret } from "./model.ts";
import type { Problem } from "./problem.ts";
import { hostsOf, memberRecipients, readersOf } from "./recipients.ts";

/** Secrets that nobody gets, that a reader cannot open, or that more can read than was meant. */
export function reviewSecrets(fleet: Fleet): Problem[] {
  return [...fleet.secrets.values()].flatMap((secret) => [
    ...reviewReaders(fleet, secret),
    ...reviewMode(secret),
    ...reviewStage(secret),
  ]);
}

function reviewReaders(fleet: Fleet, secret: Secret): Problem[] {
  const base = { severity: "high", file: secret.file } as const;
  const readers = readersOf(fleet, secret);
  if (readers.length === 0 && hostsOf(fleet, secret).length === 0)
    return [
      {
        ...base,
        id: "no-reader",
        path: ["secrets", secret.name],
        message: `nobody can read the secret '${secret.name}'`,
        hint: "give it hosts or readers",
      },
    ];
  return readers
    .filter((member) => memberRecipients(member).length === 0)
    .map((member) => ({
      ...base,
      id: "no-recipient",
      path: ["secrets", secret.name, "readers"],
      message: `the reader '${member.name}' has no key that secrets can be encrypted to`,
      hint: `add an ssh-ed25519 key or an age recipient to members.${member.name}`,
    }));
}

/** 0444 and 0555 say "for everybody" in so many words; anything else that lets others in is more likely a slip. */
function reviewMode(secret: Secret): Problem[] {
  const { mode } = secret;
  if (mode.endsWith("0") || mode === "0444" || mode === "0555") return [];
  return [
    {
      id: "mode-for-others",
      severity: "medium",
      file: secret.file,
      path: ["secrets", secret.name, "mode"],
      message: `mode ${mode} lets every user of the host reach '${secret.name}'`,
      hint: `"${mode.slice(0, 3)}0" keeps others out; "0444" says that everybody may read it`,
    },
  ];
}

/** Before users are created there is nobody but root to give the file to. */
function reviewStage(secret: Secret): Problem[] {
  if (secret.stage !== "users") return [];
  return (["owner", "group"] as const)
    .filter((field) => secret[field] !== "root" && !/^[0-9]+$/.test(secret[field]))
    .map((field) => ({
      id: "stage-owner",
      severity: "high",
      file: secret.file,
      path: ["secrets", secret.name, field],
      message: `'${secret.name}' is installed before users are created, when the ${field} '${secret[field]}' need not exist`,
      hint: 'use "root" or a number, or stage = "default"',
    }));
}
