import { NixsealError } from "../../core/errors.ts";
import { refusalCodes, type Refusal } from "../../ssh/refusal.ts";
import type { Right } from "../certificates/rights.ts";

/** Why a commit or tag is not accepted, as a closed set that scripts and tests can rely on. */
export const commitRefusalCodes = [
  ...refusalCodes,
  /** nobody signed it */
  "unsigned",
  /** the object does not follow git's format */
  "malformed",
  /** the signature does not follow its format, or bytes stand around it that nobody signed */
  "malformed-signature",
  /** X.509, or something else that is neither an SSH nor an OpenPGP signature */
  "signature-format",
  /** a second signature, or a `gpgsig…` header that nothing verifies */
  "extra-signature",
  /** the history names an object that is not there */
  "missing",
  /** the object's bytes do not give its id */
  "object-id",
  /** larger than any honest commit */
  "too-large",
  /** the history is cut off here */
  "shallow",
  /** `info/grafts` gives it other parents */
  "graft",
  /** `refs/replace/` gives it another content */
  "replaced",
  /** a parent that is not part of the history that was judged */
  "parent",
  /** the tag says another name than its reference, or points to another tag or no commit */
  "tag",
  /** does not descend from the introduction, or from the tip that was accepted last */
  "not-descendant",
  /** there is no policy in a parent, or the commit takes it away or breaks it */
  "no-policy",
  /** the signer may not change a path, merge, or change the policy */
  "right",
  /** too few members approved a change of the policy */
  "approvals",
  /** a forge's key signed other content than that of members */
  "forge-content",
  /** a parent was refused */
  "refused-parent",
] as const;

export type CommitRefusalCode = (typeof commitRefusalCodes)[number];

export interface CommitRefusal {
  readonly accepted: false;
  readonly code: CommitRefusalCode;
  /** One clause for people, with names that strangers chose: escape it before it is shown. */
  readonly reason: string;
}

/** Who signed, as far as the verifier's own list of signers says. */
export interface CommitAcceptance {
  readonly accepted: true;
  readonly principal: string;
  /** `SHA256:…` of an SSH key, the hex fingerprint of an OpenPGP key. */
  readonly key: string;
  /** What a member's certificate is for; null where a key speaks for itself and the policy alone decides. */
  readonly rights: readonly Right[] | null;
}

export type CommitDecision = CommitAcceptance | CommitRefusal;

export function refuse(code: CommitRefusalCode, reason: string): CommitRefusal {
  return { accepted: false, code, reason };
}

export function fromSsh({ code, reason }: Refusal): CommitRefusal {
  return refuse(code, reason);
}

/** A fault of bytes that strangers wrote is a refusal; any other error is passed on. */
export function refusalOf(error: unknown, code: CommitRefusalCode): CommitRefusal {
  if (!(error instanceof NixsealError)) throw error;
  if (error.code !== "malformed" && error.code !== "limit" && error.code !== "refused") throw error;
  return refuse(code, error.message);
}
