/** The next warrant of a sequence. Pure. */
import { NixsealError } from "../../core/errors.ts";
import type { Closure } from "./closure.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { sequenceOf, type Head } from "./state.ts";
import type { Action, Source, Subject, Warrant } from "./model.ts";
import { encodeWarrant, inconsistency, parseWarrant } from "./warrant.ts";

export interface Order {
  readonly fleet: string;
  readonly subject: Subject;
  readonly action: Action;
  readonly now: Date;
  /** Seconds from now. */
  readonly lifetime: number;
  readonly source: Source | null;
}

/** Where a sequence stands: what the next warrant follows. */
export interface Former extends Head {
  readonly fleet: string;
  readonly subject: Subject;
  readonly notBefore: Date;
}

export function formerOf({ warrant, digest }: Pick<WarrantEnvelope, "warrant" | "digest">): Former {
  const { fleet, subject, seq, notBefore } = warrant;
  return { fleet, subject, seq, notBefore, digest };
}

/** What a warrant itself followed, for putting another in its place; null for the first. */
export function formerOfFormer({ warrant }: Pick<WarrantEnvelope, "warrant">): Former | null {
  const { fleet, subject, seq, prev, notBefore } = warrant;
  return prev === null ? null : { fleet, subject, seq: seq - 1, digest: prev, notBefore };
}

/** `former` is null for the first of the sequence. `usage` when the order cannot be. */
export function draftWarrant(order: Order, closure: Closure, former: Former | null): Warrant {
  const { fleet, subject, action, now, lifetime, source } = order;
  if (former !== null) checkFormer(order, former);
  const notBefore = wholeSecond(now);
  const { toplevel, paths, deriver } = closure;
  const warrant: Warrant = {
    fleet,
    subject,
    seq: former === null ? 1 : former.seq + 1,
    prev: former?.digest ?? null,
    // Orders of one sequence follow each other in time too; a clock that went back does not make one that no host takes.
    notBefore: former !== null && former.notBefore > notBefore ? former.notBefore : notBefore,
    expires: new Date(notBefore.getTime() + lifetime * 1000),
    action,
    toplevel,
    drvPath: deriver?.endsWith(".drv") === true ? deriver : null,
    source,
    paths,
  };
  const fault = inconsistency(warrant);
  if (fault !== null) throw new NixsealError("usage", `no such warrant can be made: ${fault}`);
  parseWarrant(encodeWarrant(warrant)); // whatever a reader would not take, a size say, is said here
  return warrant;
}

/** What was ordered before, to be ordered again: the same closure and source, in a new place of the sequence. */
export function closureOfWarrant({ toplevel, paths, drvPath }: Warrant): Closure {
  return { toplevel, paths, deriver: drvPath };
}

function checkFormer({ fleet, subject }: Order, former: Former): void {
  const [wanted, found] = [sequenceOf(subject), sequenceOf(former.subject)];
  if (former.fleet === fleet && wanted === found) return;
  throw new NixsealError(
    "usage",
    `the former warrant is for ${found} of ${former.fleet}, not for ${wanted} of ${fleet}`,
  );
}

function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000);
}
