/**
 * What of a feed is to be believed. Pure: bytes that were read, what was accepted before and a time come in, a decision
 * comes out. The rules are those of TUF's client workflow (specification 1.0.33, section 5), with SSHSIG as the signature.
 */
import { verifySignature } from "../../../ssh/signature.ts";
import { signedData } from "../../../ssh/sshsig.ts";
import { namespaceOf, type Envelope } from "./envelope.ts";
import {
  formatTime,
  parseMetadata,
  sha256Hex,
  type FeedRoot,
  type Metadata,
  type MetadataOf,
  type Reference,
  type RoleName,
  type Timestamp,
} from "./metadata.ts";
import { sameKeys, type Role } from "./role.ts";

/** Why a feed is refused, as a closed set that scripts and tests can rely on. */
export type FeedCode =
  /** fewer than k of the role's keys have signed */
  | "threshold"
  /** older than what was accepted before */
  | "rollback"
  /** another document under a version that was accepted before */
  | "fork"
  /** not what the signed metadata names */
  | "mix"
  /** of another feed */
  | "feed"
  | "expired"
  /** made in the future: somebody's clock is wrong */
  | "clock"
  /** longer than it may be or was declared */
  | "size";

export interface FeedRefusal {
  readonly accepted: false;
  readonly code: FeedCode;
  readonly reason: string;
}

export interface FeedAccepted<M extends Metadata> {
  readonly accepted: true;
  readonly metadata: M;
}

export type FeedDecision<M extends Metadata> = FeedAccepted<M> | FeedRefusal;

/** What was accepted of a role. */
export interface SeenVersion {
  readonly version: number;
  /** SHA-256 of what was signed. */
  readonly digest: string;
}

export type SeenVersions = Readonly<Partial<Record<Exclude<RoleName, "root">, SeenVersion>>>;

/** A clock that is a day wrong is set wrong, not drifting. */
const tolerance = 24 * 60 * 60 * 1000;

/** The later of the clock and of any time in what was accepted: setting the clock back revives nothing. */
export function effectiveTime(clock: Date, floor: Date | null): Date {
  return floor !== null && floor > clock ? floor : clock;
}

/** The root that a person hands over: whose keys these are, only they can say. */
export function decideFirstRoot(envelope: Envelope): FeedDecision<FeedRoot> {
  const root = parseMetadata("root", envelope.payload);
  return thresholdFault("root", envelope, root.roles.root, "its own") ?? { accepted: true, metadata: root };
}

/** TUF 5.3.4 and 5.3.5: signed by the keys of both, and exactly the next version. Expiry is for the last one only. */
export function decideNextRoot(trusted: FeedRoot, envelope: Envelope): FeedDecision<FeedRoot> {
  const root = parseMetadata("root", envelope.payload);
  const { roles } = trusted;
  const fault =
    thresholdFault("root", envelope, roles.root, `version ${trusted.version}'s`) ??
    thresholdFault("root", envelope, root.roles.root, "its own") ??
    feedFault(root, trusted);
  if (fault !== null) return fault;
  if (root.version !== trusted.version + 1)
    return refused("rollback", `root version ${root.version} does not follow version ${trusted.version}`);
  return { accepted: true, metadata: root };
}

/**
 * TUF 5.3.11: versions that a role's old keys made say nothing about its new keys. Without this, whoever stole a key once
 * could set a version so high that the true feed is refused for ever.
 */
export function afterRotation(seen: SeenVersions, before: FeedRoot, after: FeedRoot): SeenVersions {
  const changed = (role: RoleName): boolean => !sameKeys(before.roles[role], after.roles[role]);
  const both = changed("timestamp") || changed("snapshot");
  const keep = (role: Exclude<RoleName, "root">): boolean =>
    !(changed(role) || (both && (role === "timestamp" || role === "snapshot")));
  return Object.fromEntries(Object.entries(seen).filter(([role]) => keep(role as Exclude<RoleName, "root">)));
}

export function decideTimestamp(
  envelope: Envelope,
  root: FeedRoot,
  seen: SeenVersions,
  now: Date,
): FeedDecision<Timestamp> {
  const decision = decideMetadata("timestamp", envelope, root, seen, now);
  if (!decision.accepted) return decision;
  const { issued } = decision.metadata;
  if (issued.getTime() > now.getTime() + tolerance)
    return refused("clock", `the feed was made at ${formatTime(issued)}, and here it is ${formatTime(now)}`);
  return decision;
}

/** Snapshot, targets and critical: exactly what the metadata above it names, then as every role. */
export function decideNamed<R extends "snapshot" | "targets" | "critical">(
  role: R,
  envelope: Envelope,
  named: Reference,
  root: FeedRoot,
  seen: SeenVersions,
  now: Date,
): FeedDecision<MetadataOf<R>> {
  const { payload } = envelope;
  if (payload.length !== named.length || sha256Hex(payload) !== named.digest)
    return refused("mix", `${role} is not the one that the feed names`);
  const decision = decideMetadata(role, envelope, root, seen, now);
  if (decision.accepted && decision.metadata.version !== named.version)
    return refused(
      "mix",
      `${role} has version ${decision.metadata.version}, the feed names ${named.version}`,
    );
  return decision;
}

/** Refused from the second on that it names. */
export function expiryFault(metadata: Metadata, now: Date): FeedRefusal | null {
  if (now < metadata.expires) return null;
  return refused(
    "expired",
    `${metadata.type} version ${metadata.version} expired at ${formatTime(metadata.expires)}`,
  );
}

function decideMetadata<R extends Exclude<RoleName, "root">>(
  role: R,
  envelope: Envelope,
  root: FeedRoot,
  seen: SeenVersions,
  now: Date,
): FeedDecision<MetadataOf<R>> {
  const unsigned = thresholdFault(role, envelope, root.roles[role], "the role's");
  if (unsigned !== null) return unsigned;
  const metadata = parseMetadata(role, envelope.payload);
  const before = seen[role];
  if (before !== undefined && metadata.version < before.version)
    return refused(
      "rollback",
      `${role} version ${metadata.version} is older than version ${before.version}, seen before`,
    );
  if (
    before !== undefined &&
    metadata.version === before.version &&
    sha256Hex(envelope.payload) !== before.digest
  )
    return refused("fork", `another ${role} has version ${metadata.version} than the one seen before`);
  return feedFault(metadata, root) ?? expiryFault(metadata, now) ?? { accepted: true, metadata };
}

/** Distinct keys of the role. A key that signed twice is one; a certificate never stands for its key. */
export function signersAmong(role: RoleName, { payload, signatures }: Envelope, keys: Role["keys"]): number {
  const signed = new Set<string>();
  for (const { signer, namespace, hash, signature } of signatures) {
    if (signer.type === "certificate" || namespace !== namespaceOf(role)) continue;
    const key = keys.find(({ fingerprint }) => fingerprint === signer.fingerprint);
    if (key === undefined || signed.has(key.fingerprint)) continue;
    if (verifySignature(key, signedData(payload, { namespace, hash }), signature).accepted)
      signed.add(key.fingerprint);
  }
  return signed.size;
}

function thresholdFault(
  role: RoleName,
  envelope: Envelope,
  { keys, threshold }: Role,
  whose: string,
): FeedRefusal | null {
  const signed = signersAmong(role, envelope, keys);
  if (signed >= threshold) return null;
  return refused(
    "threshold",
    `${role} has ${signed} of the ${threshold} signatures of ${whose} keys that it needs`,
  );
}

function feedFault(metadata: Metadata, root: FeedRoot): FeedRefusal | null {
  if (metadata.feed === root.feed) return null;
  return refused("feed", `${metadata.type} is of the feed '${metadata.feed}', not '${root.feed}'`);
}

export function refused(code: FeedCode, reason: string): FeedRefusal {
  return { accepted: false, code, reason };
}
