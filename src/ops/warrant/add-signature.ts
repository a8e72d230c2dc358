import type { Candidate } from "../../inventory/selector-entry.ts";
import type { Fleet } from "../../inventory/model.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Certificate } from "../../ssh/certificate.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import type { SshSig } from "../../ssh/sshsig.ts";
import { signAllWithKeygen, signWithKeygen } from "../../trust/root/sign.ts";
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

export interface Unsigned {
  readonly envelope: WarrantEnvelope;
  /** For messages. */
  readonly file: string;
}

interface Place {
  readonly directory: string;
  readonly fleet: Fleet;
  readonly trust: OpenTrust;
}

/**
 * The warrant with the caller's signature added, which counts; nothing is written. `consent` is asked before anything is
 * signed and throws when it is not given. `conflict` when this member has signed already.
 */
export async function addSignature(
  context: Context,
  place: Place,
  order: Unsigned,
  choice: SignerChoice,
  consent: (principal: string) => Promise<void>,
): Promise<Signed> {
  const ready = await prepare(context, place, order, choice);
  await consent(ready.principal);
  const signature = await signWithKeygen(context, order.envelope.payload, warrantNamespace, ready.keyFile);
  return withSignature(place, ready, signature);
}

/** The same for many, in their order, by few runs of ssh-keygen; null for one that this member has signed already. */
export async function* addSignatures(
  context: Context,
  place: Place,
  orders: readonly Unsigned[],
  choice: SignerChoice,
): AsyncGenerator<Signed | null, void, undefined> {
  const all: (Ready | null)[] = [];
  for (const order of orders)
    all.push(
      await prepare(context, place, order, choice).catch((error: unknown) => {
        if (error instanceof NixsealError && error.code === "conflict") return null;
        throw error;
      }),
    );
  const signatures = new Map<Ready, SshSig>();
  const unsigned = all.filter((one) => one !== null);
  for (const file of new Set(unsigned.map(({ keyFile }) => keyFile))) {
    const some = unsigned.filter(({ keyFile }) => keyFile === file);
    const envelopes = some.map(({ envelope }) => envelope);
    const made = await signAllWithKeygen(context, envelopes, warrantNamespace, file);
    some.forEach((ready, index) => signatures.set(ready, made[index]!));
  }
  for (const ready of all) yield ready === null ? null : withSignature(place, ready, signatures.get(ready)!);
}

interface Ready {
  readonly envelope: WarrantEnvelope;
  readonly hosts: readonly Candidate[];
  readonly keyFile: string;
  readonly key: PublicKey;
  readonly certificate: Certificate;
  readonly principal: string;
}

async function prepare(
  context: Context,
  { directory, fleet, trust }: Place,
  { envelope, file }: Unsigned,
  choice: SignerChoice,
): Promise<Ready> {
  const hosts = hostsOf(fleet, trust.root, envelope.warrant.subject);
  requireOrder(envelope, trust, hosts, file);
  const { keyFile, key, certificate } = await findSigner(context, directory, trust, envelope, hosts, choice);
  const principal = certificate.principals[0]!;
  const before = judged(envelope, trust, hosts[0]!);
  if (before.some((one) => one.accepted && (one.principal === principal || one.key === key.fingerprint)))
    throw new NixsealError("conflict", `${principal} has signed it already`, {
      hint: "another member must sign; a second signature by one member counts as one",
    });
  return { envelope, hosts, keyFile, key, certificate, principal };
}

/**
 * SSHSIG does not cover the key blob, so that the certificate can speak for the key that signed: agents and tokens then need not
 * know of certificates. `judged` holds the one against the other.
 */
function withSignature(
  { trust }: Place,
  { envelope, hosts, key, certificate, principal }: Ready,
  signature: SshSig,
): Signed {
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
