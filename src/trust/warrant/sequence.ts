/** The order of warrants: `seq` rises by one, and `prev` names the one before, so that nothing is replayed, replaced or held back. */
import { unwarranted, type WarrantRefusal } from "./refusal.ts";
import { sequenceOf, type Head, type WarrantState } from "./state.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import type { Subject } from "./model.ts";

/** What a warrant says of its place. */
export interface Link extends Head {
  readonly fleet: string;
  readonly subject: Subject;
  readonly prev: string | null;
}

/**
 * The place of a warrant that a host has missed. Its signatures do not matter and its content is never activated: the one that
 * follows names its digest, and so down from the one that members signed.
 */
export function linkOf({ warrant, digest }: Pick<WarrantEnvelope, "warrant" | "digest">): Link {
  const { fleet, subject, seq, prev } = warrant;
  return { fleet, subject, seq, prev, digest };
}

/** Null when the warrant is the next one, directly or by way of those `between`. */
export function sequenceFault(
  next: Pick<WarrantEnvelope, "warrant" | "digest">,
  between: readonly Link[],
  state: WarrantState,
): WarrantRefusal | null {
  const { seq, subject, notBefore } = next.warrant;
  const head = state.heads.get(sequenceOf(subject));
  if (head !== undefined) {
    const fault = headFault(linkOf(next), between, head);
    if (fault !== null) return fault;
  }
  // One sequence says nothing about another: without this, an order of a group that was held back could undo a
  // newer one of the host's own.
  if (state.newest !== null && notBefore < state.newest)
    return unwarranted("superseded", `warrant ${seq} is older than the newest order that was accepted`);
  return null;
}

/**
 * Whether the warrant can never be accepted again: another one took its place in its sequence, or a newer order of another sequence was
 * accepted. Its paths are not wanted any more either: bringing them in would put the content of a former order under a newer one.
 */
export function isPassedOver(
  { warrant, digest }: Pick<WarrantEnvelope, "warrant" | "digest">,
  { heads, newest }: WarrantState,
): boolean {
  const head = heads.get(sequenceOf(warrant.subject));
  if (head !== undefined && warrant.seq <= head.seq && digest !== head.digest) return true;
  return newest !== null && warrant.notBefore < newest;
}

function headFault(next: Link, between: readonly Link[], head: Head): WarrantRefusal | null {
  if (next.seq <= head.seq) {
    const same = next.seq === head.seq && next.digest !== head.digest;
    return same
      ? unwarranted("fork", `another warrant ${head.seq} was accepted before`)
      : unwarranted("replayed", `warrant ${next.seq} is not after ${head.seq}, which was accepted before`);
  }
  let current = next;
  while (current.seq > head.seq + 1) {
    const before = between.find(({ digest }) => digest === current.prev);
    if (before === undefined)
      return unwarranted(
        "gap",
        `warrant ${current.seq - 1} is missing between ${head.seq}, the last accepted, and ${next.seq}`,
      );
    if (before.seq !== current.seq - 1 || !sameSequence(before, current))
      return unwarranted(
        "fork",
        `warrant ${current.seq} names one before it that is not warrant ${current.seq - 1}`,
      );
    current = before;
  }
  if (current.prev === head.digest) return null;
  return unwarranted(
    "fork",
    `warrant ${current.seq} follows another warrant ${head.seq} than the one that was accepted`,
  );
}

function sameSequence(a: Link, b: Link): boolean {
  return a.fleet === b.fleet && sequenceOf(a.subject) === sequenceOf(b.subject);
}
