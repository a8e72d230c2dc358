/** A warrant as the verbs print it. */
import * as z from "zod";
import { formatTime } from "../../trust/root/root.ts";
import { closureBytes } from "../../trust/warrant/closure.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { SignatureVerdict } from "../../trust/warrant/signatures.ts";
import { signingKey } from "../../ssh/sshsig.ts";
import { actions } from "../../trust/warrant/model.ts";
import type { Paint } from "../op.ts";

export const warrantSchema = z.object({
  fleet: z.string(),
  host: z.string().nullable(),
  group: z.string().nullable().describe("in place of a host: one of the root's groups"),
  seq: z.number(),
  prev: z.string().nullable().describe("the digest of the warrant before"),
  digest: z.string().describe("SHA-256 of the payload"),
  notBefore: z.string(),
  expires: z.string(),
  action: z.enum(actions),
  toplevel: z.string(),
  drvPath: z.string().nullable(),
  source: z.object({ repo: z.string(), commit: z.string(), tree: z.string() }).nullable(),
  paths: z.number(),
  bytes: z.number().describe("of all NARs"),
});

export const signatureSchema = z.object({
  principal: z.string().nullable().describe("a claim, unless the signature is accepted"),
  key: z.string(),
  accepted: z.boolean().nullable().describe("null: nothing is here to judge it by"),
  code: z.string().nullable(),
  reason: z.string().nullable(),
});

export type WarrantView = z.output<typeof warrantSchema>;
export type SignatureView = z.output<typeof signatureSchema>;

export function warrantView({ warrant, digest }: WarrantEnvelope): WarrantView {
  const { fleet, subject, seq, prev, notBefore, expires, action, toplevel, drvPath, source, paths } = warrant;
  return {
    fleet,
    host: subject.kind === "host" ? subject.name : null,
    group: subject.kind === "group" ? subject.name : null,
    seq,
    prev,
    digest,
    notBefore: formatTime(notBefore),
    expires: formatTime(expires),
    action,
    toplevel,
    drvPath,
    source: source === null ? null : { ...source },
    paths: paths.length,
    bytes: closureBytes(paths),
  };
}

export function verdictView(verdict: SignatureVerdict): SignatureView {
  const { principal, key, accepted } = verdict;
  const why = verdict.accepted ? { code: null, reason: null } : verdict;
  return { principal, key, accepted, code: why.code, reason: why.reason };
}

/** What signatures say of themselves, where there is no root to judge them by. */
export function claimedSignatures({ signatures }: WarrantEnvelope): SignatureView[] {
  return signatures.map(({ signer }) => ({
    principal: signer.type === "certificate" ? (signer.principals[0] ?? null) : null,
    key: signingKey(signer).fingerprint,
    accepted: null,
    code: null,
    reason: null,
  }));
}

export function subjectText({ host, group }: Pick<WarrantView, "host" | "group">): string {
  return host ?? `the group ${group}`;
}

export function signatureText({ principal, key, accepted, reason }: SignatureView, paint: Paint): string {
  const who = `${principal ?? "nobody"} (${key})`;
  if (accepted === true) return `${paint.good("good")}  ${who}`;
  if (accepted === null) return `says ${who}; there is no root here to judge it by`;
  return `${paint.bad("does not count")}  ${who}: ${reason}`;
}

/** `1.5 GiB`; the sign stays where `signed` asks for one. */
export function sizeText(bytes: number, signed = false): string {
  const sign = bytes < 0 ? "-" : signed ? "+" : "";
  let value = Math.abs(bytes);
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${sign}${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
