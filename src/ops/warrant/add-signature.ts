import type { Candidate } from "../../inventory/selector-entry.ts";
import type { Fleet } from "../../inventory/model.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import { signWithKeygen } from "../../trust/root/sign.ts";
import { closureBytes } from "../../trust/warrant/closure.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { warrantNamespace } from "../../trust/warrant/model.ts";
import { judgeSignatures, type SignatureVerdict } from "../../trust/warrant/signatures.ts";
import type { Context } from "../op.ts";
import { findKey } from "../trust/key-file.ts";
import type { OpenTrust } from "../trust/open.ts";
import { hostsOf } from "./hosts.ts";
import { usableCertificates } from "./member-certificates.ts";

export interface Signed {
  readonly envelope: WarrantEnvelope;
  readonly principal: string;
  /** Fingerprint of the key that signed. */
  readonly key: string;
  readonly threshold: number;
  readonly verdicts: readonly SignatureVerdict[];
}

/** Which key and certificate, where not the usual ones. */
export interface SignerChoice {
  readonly key?: string | undefined;
  readonly certificate?: string | undefined;
}

/**
 * The warrant with the caller's signature added, which counts; nothing is written. `consent` is asked before anything is
 * signed and throws when it is not given. `conflict` when this member has signed already.
 */
export async function addSignature(
  context: Context,
  {
    directory,
    fleet,
    trust,
  }: { readonly directory: string; readonly fleet: Fleet; readonly trust: OpenTrust },
  { envelope, file }: { readonly envelope: WarrantEnvelope; readonly file: string },
  choice: SignerChoice,
  consent: (principal: string) => Promise<void>,
): Promise<Signed> {
  const hosts = hostsOf(fleet, trust.root, envelope.warrant.subject);
  requireOrder(envelope, trust, hosts, file);
  const { keyFile, key, certificate } = await findSigner(context, directory, trust, envelope, hosts, choice);
  const principal = certificate.principals[0]!;
  const before = judged(envelope, trust, hosts[0]!);
  if (before.some((one) => one.accepted && (one.principal === principal || one.key === key.fingerprint)))
    throw new NixsealError("conflict", `${principal} has signed it already`, {
      hint: "another member must sign; a second signature by one member counts as one",
    });
  await consent(principal);
  const signature = await signWithKeygen(context, envelope.payload, warrantNamespace, keyFile);
  // SSHSIG does not cover the key blob, so that the certificate can speak for the key that signed: agents and
  // tokens then need not know of certificates. `judged` below holds the one against the other.
  const signed = {
    ...envelope,
    signatures: [...stillWanted(envelope, principal), { ...signature, signer: certificate }],
  };
  const verdicts = judged(signed, trust, hosts[0]!);
  const own = verdicts.at(-1)!;
  if (!own.accepted)
    throw new NixsealError("refused", `the signature would not count: ${own.reason} [${own.code}]`);
  return {
    envelope: signed,
    principal,
    key: key.fingerprint,
    threshold: Math.max(...hosts.map((host) => thresholdFor(trust.root, host))),
    verdicts,
  };
}

export interface FoundSigner {
  readonly keyFile: string;
  readonly key: PublicKey;
  readonly certificate: Certificate;
}

/** The caller's key and a certificate for it that gives the right to activate the warrant's closure on all of these hosts. */
export function findSigner(
  context: Context,
  directory: string,
  trust: OpenTrust,
  { warrant }: WarrantEnvelope,
  hosts: readonly Candidate[],
  choice: SignerChoice,
): Promise<FoundSigner> {
  return findMember(context, directory, trust, closureBytes(warrant.paths), hosts, choice);
}

/** The same for an order of another kind; `size` is null where there is no closure. */
export async function findMember(
  context: Context,
  directory: string,
  trust: OpenTrust,
  size: number | null,
  hosts: readonly Candidate[],
  choice: SignerChoice,
): Promise<FoundSigner> {
  const certificates = await usableCertificates(context, directory, size, trust, hosts, choice);
  const { file: keyFile, key } = await findKey(
    context,
    choice.key,
    certificates.map((one) => one.key),
    "key of a certificate with the right 'activate' there",
  );
  const certificate = certificates.find((one) => one.key.fingerprint === key.fingerprint)!;
  return { keyFile, key, certificate };
}

/** What nobody should put a name under, whoever it is. */
function requireOrder(
  { warrant }: WarrantEnvelope,
  { root, now }: OpenTrust,
  hosts: readonly Candidate[],
  file: string,
): void {
  const refuse = (message: string, hint: string): NixsealError =>
    new NixsealError("refused", message, { hint, where: { file } });
  if (warrant.fleet !== root.fleet)
    throw refuse(`it is a warrant of the fleet '${warrant.fleet}'`, "sign it in that fleet's directory");
  if (hosts.length === 0)
    throw refuse(
      `no host is in the group '${warrant.subject.name}'`,
      "'nixseal trust show' lists the groups",
    );
  if (now >= warrant.expires)
    throw refuse("the warrant has expired", "'nixseal warrant create' makes a new one");
}

function judged(
  envelope: WarrantEnvelope,
  { root, krl, now }: OpenTrust,
  host: Candidate,
): SignatureVerdict[] {
  return judgeSignatures(envelope, host, { root, revocations: krl, now });
}

/** A member's earlier signature that does not count (its certificate has ended) makes room for the new one. */
function stillWanted({ signatures }: WarrantEnvelope, principal: string): WarrantEnvelope["signatures"] {
  return signatures.filter(
    ({ signer }) => signer.type !== "certificate" || !signer.principals.includes(principal),
  );
}
