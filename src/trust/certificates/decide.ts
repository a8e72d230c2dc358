/** What a member certificate gives, and which revocation list is to be believed. Pure. */
import { createHash } from "node:crypto";
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { selectorPicks, type Candidate } from "../../inventory/selector-entry.ts";
import { optionText, type Certificate } from "../../ssh/certificate.ts";
import { checkCertificate } from "../../ssh/check-certificate.ts";
import { parseKrl, type Krl } from "../../ssh/krl.ts";
import { revocationOf, type Revocations } from "../../ssh/revocations.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { signedData, type SshSig } from "../../ssh/sshsig.ts";
import { untrusted, type TrustRefusal } from "../refusal.ts";
import { decideExpiry } from "../root/decide.ts";
import type { Root } from "../root/root.ts";
import type { SeenKrl } from "../root/seen.ts";
import { parseRights, rightsOption, type Right, type Rights } from "./rights.ts";

export const krlNamespace = "nixseal-krl@v1";

/** A list that says to be made later than this after now was made under a wrong clock, or the clock here is wrong. */
const toleratedSeconds = 24n * 3600n;

export interface RightQuestion {
  readonly certificate: Certificate;
  readonly right: Right;
  /** The host with its tags; null for what is done on no host (a commit). */
  readonly host: Candidate | null;
  /** Bytes of the closure that is uploaded or activated, where one is. */
  readonly closureBytes?: number | undefined;
}

/** What was decided on before; all of it must have been accepted. */
export interface RightPolicy {
  readonly root: Root;
  /** Of the accepted list; null only where none was ever seen. */
  readonly revocations: Revocations | null;
  /** `effectiveTime`, never the bare clock. */
  readonly now: Date;
}

export interface RightGiven {
  readonly accepted: true;
  /** The member. */
  readonly principal: string;
  readonly rights: Rights;
  /** Whether the signature that uses this must say that its user was verified: `VerifyPolicy.userVerification`. */
  readonly userVerification: boolean;
}

/**
 * Whether the certificate gives the right on the host. It says nothing about who holds the key: a signature or a
 * connection proves that. Throws only `malformed`, when the CA's raw signature does not follow its format.
 */
export function decideRight(question: RightQuestion, policy: RightPolicy): RightGiven | TrustRefusal {
  const { certificate, right, host, closureBytes } = question;
  const { root, revocations, now } = policy;
  const expired = decideExpiry(root, now);
  if (!expired.accepted) return expired;
  if (!root.ca.keys.some(({ fingerprint }) => fingerprint === certificate.caKey.fingerprint))
    return untrusted(
      "unknown-ca",
      `${certificate.caKey.fingerprint} is no CA of root version ${root.version}`,
    );
  const fault = checkCertificate(certificate, { now, understands: [rightsOption] });
  if (fault !== null) return fault;
  const elsewhere = foreignFleet(certificate, root.fleet);
  if (elsewhere !== null) return elsewhere;
  // Two names would let one key count as two members where k of them must agree.
  const [principal, second] = certificate.principals;
  if (principal === undefined || second !== undefined)
    return untrusted("principal", "a member certificate names exactly one member");
  const revoked = revocations === null ? null : revocationOf(revocations, certificate);
  if (revoked !== null) return untrusted("revoked", revoked);

  const rights = rightsOf(certificate);
  if ("code" in rights) return rights;
  if (!rights.rights.includes(right)) return untrusted("right", `the certificate does not give '${right}'`);
  if (host !== null && !selectorPicks(rights.hosts, host))
    return untrusted("host", `the certificate gives '${right}', but not on ${host.name}`);
  if (rights.maxClosureBytes !== null && closureBytes !== undefined && closureBytes > rights.maxClosureBytes)
    return untrusted("closure-size", `${closureBytes} bytes are more than ${rights.maxClosureBytes}`);
  if (rights.touch !== null && !certificate.key.type.startsWith("sk-"))
    return untrusted("touch", "the certificate demands a touch, which this type of key has not");
  return { accepted: true, principal, rights, userVerification: rights.touch === "uv" };
}

/**
 * Who is the CA of two fleets issues for one of them at a time: the key id that `trust issue` writes begins with the
 * fleet's name. Null for a certificate of this fleet, or one whose key id has another form.
 */
export function foreignFleet({ keyId, principals, serial }: Certificate, fleet: string): TrustRefusal | null {
  const end = `/${principals[0] ?? ""}/${serial}`;
  if (!keyId.endsWith(end) || keyId === `${fleet}${end}`) return null;
  const other = keyId.slice(0, -end.length).slice(0, 64);
  return untrusted("root-fleet", `the certificate is of the fleet '${other}', not '${fleet}'`);
}

/** The rights inside, or why there are none to go by. */
export function rightsOf(certificate: Certificate): Rights | TrustRefusal {
  const option = certificate.criticalOptions.find(({ name }) => name === rightsOption);
  if (option === undefined) return untrusted("rights", `the certificate has no '${rightsOption}'`);
  try {
    return parseRights(optionText(option));
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    return untrusted("rights", error.message);
  }
}

export interface KrlEvidence {
  readonly file: Uint8Array;
  readonly signatures: readonly SshSig[];
}

export interface KrlAccepted {
  readonly accepted: true;
  /** Null where there is none and never was one. */
  readonly krl: Krl | null;
  readonly seen: SeenKrl | null;
}

/**
 * Whether this is the list to go by: signed by a CA key of the root, and not older than what was seen. A CA key
 * alone can do it, because revoking must be quick, and because it could issue a certificate to anyone anyway.
 * Throws what `parseKrl` throws.
 */
export function decideKrl(
  evidence: KrlEvidence | null,
  { root, seen, now }: { readonly root: Root; readonly seen: SeenKrl | null; readonly now: Date },
): KrlAccepted | TrustRefusal {
  if (evidence === null && seen === null) return { accepted: true, krl: null, seen: null };
  if (evidence === null)
    return untrusted("krl-version", `the revocation list is gone; version ${seen!.version} was seen before`);
  const { file, signatures } = evidence;
  const signed = signatures.some(({ signer, namespace, hash, signature }) => {
    const key = root.ca.keys.find(
      ({ fingerprint }) => signer.type !== "certificate" && fingerprint === signer.fingerprint,
    );
    if (key === undefined || namespace !== krlNamespace) return false;
    return verifySignature(key, signedData(file, { namespace, hash }), signature).accepted;
  });
  if (!signed) return untrusted("krl-signature", "no CA key of the root has signed the revocation list");
  const krl = parseKrl(file);
  const digest = digestOf(file);
  if (seen !== null && krl.version < seen.version)
    return untrusted(
      "krl-version",
      `revocation list ${krl.version} is older than ${seen.version}, seen before`,
    );
  if (seen !== null && krl.version === seen.version && digest !== seen.digest)
    return untrusted("krl-version", `another revocation list ${krl.version} was seen before`);
  if (krl.generated > BigInt(Math.floor(now.getTime() / 1000)) + toleratedSeconds)
    return untrusted(
      "krl-future",
      "the revocation list is from the future: a clock is wrong, here or where it was made",
    );
  return { accepted: true, krl, seen: { version: krl.version, digest } };
}

/** As `SeenKrl` keeps it. */
export function digestOf(file: Uint8Array): string {
  return hex(createHash("sha256").update(file).digest());
}
