/** Whether a host may activate what a warrant orders. Pure: evidence, policy, state and time in, a decision out. */
import { selectorPicks, type Candidate } from "../../inventory/selector-entry.ts";
import { storeDirectoryOf } from "../../nix/store-path.ts";
import type { Revocations } from "../../ssh/revocations.ts";
import { decideExpiry, effectiveTime } from "../root/decide.ts";
import { formatTime, type Root } from "../root/root.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { unwarranted, type WarrantRefusal } from "./refusal.ts";
import { sequenceFault, type Link } from "./sequence.ts";
import { judgeSignatures, type SignatureVerdict } from "./signatures.ts";
import { sequenceOf, stateAfter, type WarrantState } from "./state.ts";
import type { Warrant } from "./model.ts";

export interface WarrantEvidence {
  readonly envelope: WarrantEnvelope;
  /** Where the host has missed orders: those between its last and this one. */
  readonly between?: readonly Link[] | undefined;
}

/** All of it must have been accepted before, or be known by other ways than the warrant's. */
export interface WarrantPolicy {
  readonly root: Root;
  readonly revocations: Revocations | null;
  /** The host that asks, with its tags. */
  readonly host: Candidate;
  /** `/nix/store`, or where this host's Nix was built for. */
  readonly storeDirectory: string;
  readonly state: WarrantState;
  readonly clock: Date;
}

interface Signed {
  /** How many members must sign. */
  readonly threshold: number;
  readonly signatures: readonly SignatureVerdict[];
}

export interface WarrantAccepted extends Signed {
  readonly accepted: true;
  /** The members that count, in the order of their signatures. */
  readonly principals: readonly string[];
  /** Orders that this host never got, now known and passed over. */
  readonly skipped: number;
  /** To be kept before anything is done about it. */
  readonly state: WarrantState;
}

export type WarrantDecision = WarrantAccepted | (WarrantRefusal & Signed);

/** In turn: is it for this host, is it time, is it the next one, and have enough members ordered it? */
export function decideWarrant(
  { envelope, between = [] }: WarrantEvidence,
  policy: WarrantPolicy,
): WarrantDecision {
  const { root, revocations, host, state, clock } = policy;
  const { warrant, digest } = envelope;
  // Setting the clock back revives neither an order nor a certificate.
  const now = effectiveTime(clock, state.floor);
  const threshold = thresholdFor(root, host);
  const signatures = judgeSignatures(envelope, host, { root, revocations, now });
  const principals = signatures.flatMap((one) => (one.accepted ? [one.principal] : []));

  const fault =
    rootFault(root, now) ??
    addresseeFault(warrant, policy) ??
    timeFault(warrant, now) ??
    sequenceFault({ warrant, digest }, between, state) ??
    (principals.length >= threshold ? null : thresholdFault(principals, threshold, signatures));
  if (fault !== null) return { ...fault, threshold, signatures };
  const head = state.heads.get(sequenceOf(warrant.subject));
  return {
    accepted: true,
    threshold,
    signatures,
    principals,
    skipped: head === undefined ? 0 : warrant.seq - head.seq - 1,
    state: stateAfter(state, warrant, digest),
  };
}

/** The most that any rule of the root asks for on this host. */
export function thresholdFor(root: Root, host: Candidate): number {
  const { threshold, groups } = root.warrant;
  // The larger where groups overlap: a host that a glob draws into a lax group stays as guarded as it was.
  const ofGroups = [...groups].filter(([group]) => isIn(root, group, host)).map(([, count]) => count);
  return Math.max(threshold, ...ofGroups);
}

/** Whether the root puts the host into the group. */
export function isIn(root: Root, group: string, host: Candidate): boolean {
  const entries = root.groups.get(group);
  return entries !== undefined && selectorPicks(entries, host);
}

function rootFault(root: Root, now: Date): WarrantRefusal | null {
  const decision = decideExpiry(root, now);
  return decision.accepted ? null : decision;
}

function addresseeFault(
  warrant: Warrant,
  { root, host, storeDirectory }: WarrantPolicy,
): WarrantRefusal | null {
  const { fleet, subject, toplevel } = warrant;
  if (fleet !== root.fleet)
    return unwarranted("wrong-fleet", `the warrant is for the fleet '${fleet}', not '${root.fleet}'`);
  if (subject.kind === "host" && subject.name !== host.name)
    return unwarranted("wrong-host", `the warrant is for ${subject.name}, not for ${host.name}`);
  if (subject.kind === "group" && !isIn(root, subject.name, host))
    return unwarranted("wrong-group", `${host.name} is not in the group '${subject.name}' of the root`);
  // A path's digest covers its directory: the same names elsewhere are other paths.
  const directory = storeDirectoryOf(toplevel);
  if (directory === storeDirectory) return null;
  return unwarranted("wrong-store", `the paths are in ${directory}, not in ${storeDirectory}`);
}

function timeFault({ notBefore, expires }: Warrant, now: Date): WarrantRefusal | null {
  if (now < notBefore) return unwarranted("not-yet-valid", `the warrant begins at ${formatTime(notBefore)}`);
  if (now < expires) return null;
  return unwarranted("expired", `the warrant ended at ${formatTime(expires)}`);
}

function thresholdFault(
  principals: readonly string[],
  threshold: number,
  signatures: readonly SignatureVerdict[],
): WarrantRefusal {
  const who = principals.length === 0 ? "nobody" : principals.join(", ");
  // With one signature that does not count its reason is what the person looks for.
  const refused = signatures.find((one) => !one.accepted);
  const why =
    refused === undefined || refused.accepted ? "" : `; a signature does not count: ${refused.reason}`;
  return unwarranted("threshold", `${who} signed, of ${threshold} needed${why}`);
}
