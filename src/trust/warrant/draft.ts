/** The next warrant of a sequence. Pure. */
import { NixsealError } from "../../core/errors.ts";
import type { Closure } from "./closure.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import { sequenceOf } from "./state.ts";
import {
  encodeWarrant,
  inconsistency,
  parseWarrant,
  type Action,
  type Source,
  type Subject,
  type Warrant,
} from "./warrant.ts";

export interface Order {
  readonly fleet: string;
  readonly subject: Subject;
  readonly action: Action;
  readonly now: Date;
  /** Seconds from now. */
  readonly lifetime: number;
  readonly source: Source | null;
}

/** `former` is the newest warrant of the same sequence, null when there is none. `usage` when the order cannot be. */
export function draftWarrant(
  order: Order,
  closure: Closure,
  former: Pick<WarrantEnvelope, "warrant" | "digest"> | null,
): Warrant {
  const { fleet, subject, action, now, lifetime, source } = order;
  if (former !== null) checkFormer(order, former.warrant);
  const notBefore = wholeSecond(now);
  // Orders of one sequence follow each other in time too; a clock that went back does not make one that no host takes.
  const begin =
    former !== null && former.warrant.notBefore > notBefore ? former.warrant.notBefore : notBefore;
  const { toplevel, paths, deriver } = closure;
  const warrant: Warrant = {
    fleet,
    subject,
    seq: former === null ? 1 : former.warrant.seq + 1,
    prev: former?.digest ?? null,
    notBefore: begin,
    expires: new Date(notBefore.getTime() + lifetime * 1000),
    action,
    toplevel,
    drvPath: deriver !== null && deriver.endsWith(".drv") ? deriver : null,
    source,
    paths,
  };
  const fault = inconsistency(warrant);
  if (fault !== null) throw new NixsealError("usage", `no such warrant can be made: ${fault}`);
  return parseWarrant(encodeWarrant(warrant)); // whatever a reader would not take, a size say, is said here
}

/** What was ordered before, to be ordered again: the same closure and source, in a new place of the sequence. */
export function closureOfWarrant({ toplevel, paths, drvPath }: Warrant): Closure {
  return { toplevel, paths, deriver: drvPath };
}

function checkFormer({ fleet, subject }: Order, former: Warrant): void {
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
