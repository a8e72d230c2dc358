import type { CheckInfo } from "./check.ts";

const reference = ["https://cwe.mitre.org/data/definitions/693.html"] as const;

/** What the audit says of itself and of waivers. */
export const incomplete: CheckInfo = {
  id: "AUD001",
  name: "not-everything-was-looked-at",
  severity: "medium",
  areas: ["config", "secrets", "trust"],
  title: "the target is larger than an audit looks at",
  means: "What lies beyond the limit may hold anything: this report does not speak of it.",
  fix: "audit its directories one by one, or find out why it has so many files",
  references: reference,
};

export const unreadable: CheckInfo = {
  id: "AUD002",
  name: "unreadable-file",
  severity: "low",
  areas: ["config", "secrets", "trust"],
  title: "a file could not be read as what its name says",
  means: "No check looked into it.",
  fix: "mend the file, or remove it",
  references: reference,
};

export const evaluationFailed: CheckInfo = {
  id: "AUD003",
  name: "host-not-evaluated",
  severity: "info",
  areas: ["config"],
  title: "a host's configuration could not be evaluated",
  means: "What modules from elsewhere set on it is not known; the source was looked at all the same.",
  fix: "mend what Nix complains of; fetch missing inputs with 'nix flake archive', if you trust them",
  references: reference,
};

export const waiverExpired: CheckInfo = {
  id: "WVR001",
  name: "waiver-expired",
  severity: "low",
  areas: ["config", "secrets", "trust"],
  title: "a waiver has expired",
  means: "What it waived counts again.",
  fix: "mend what it waived, or decide anew with 'nixseal waive'",
  references: reference,
};

export const waiverVoid: CheckInfo = {
  id: "WVR002",
  name: "waiver-without-finding",
  severity: "info",
  areas: ["config", "secrets", "trust"],
  title: "a waiver fits nothing that was found",
  means: "What it waived is mended, or was changed: then it counts again.",
  fix: "remove it from audit-waivers.toml",
  references: reference,
};

export const ownRules: readonly CheckInfo[] = [
  incomplete,
  unreadable,
  evaluationFailed,
  waiverExpired,
  waiverVoid,
];
