import { hex, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import type { Clock, Random } from "../core/ports.ts";
import { object, text, nullable, wrong, type Check } from "../core/shape.ts";
import type { State } from "./state.ts";

/**
 * A lease keeps operators apart for a time, not for ever: whoever dies loses it when it runs out. Its token is the
 * fencing token: it rises by one each time the lease changes hands, and what it guards refuses any lower
 * token than it has seen. So an operator that slept through its lease, or whose clock is wrong, does no harm.
 */
export interface Lease {
  readonly name: string;
  readonly token: number;
  /** Holds it for another term. `conflict` when somebody else has it by now: stop at once. */
  renew(): Promise<void>;
  /** Gives it back. Harmless when it was lost. */
  release(): Promise<void>;
}

export interface LeaseRequest {
  /** What is guarded: `host/web1`. */
  readonly name: string;
  /** For the other operator's message: who, from where. */
  readonly holder: string;
  /** Milliseconds. */
  readonly term: number;
  /** The highest token that what is guarded has seen: a state that was lost, or another's, begins above it. Default: 0. */
  readonly seen?: number | undefined;
}

interface Record {
  readonly holder: string | null;
  /** Drawn at random: two operators never write the same bytes, so each knows whose lease it sees. */
  readonly nonce: string;
  readonly token: number;
  readonly until: string | null;
}

/**
 * How far what is guarded may move the token at once: far more than it can have seen since. Its word is not proved, and a token never
 * goes back: the largest number there is would be the last lease of all operators.
 */
const largestStep = 2 ** 32;
/** No lease gets there by its own steps; one that is written there would leave no number for the next. */
const largestToken = 2 ** 52;
/** Milliseconds: a lease that ends later than that from now was written by a clock that is wrong, or by nobody who deploys. */
const farAhead = 3600_000;

/** Takes a free or run-out lease. `conflict` that says who has it and until when, when it is taken. */
export async function acquireLease(
  state: State,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  request: LeaseRequest,
): Promise<Lease> {
  const { name, holder, term, seen = 0 } = request;
  const key = `lease/${name}`;
  const bytes = await state.get(key);
  const former = bytes === null ? null : parseRecord(bytes, key);
  if (former !== null && former.until !== null && new Date(former.until) > clock.now())
    throw taken(name, former, clock.now());
  const token = Math.max(former?.token ?? 0, Math.min(seen, (former?.token ?? 0) + largestStep)) + 1;

  const nonce = hex(random.bytes(16));
  let held = encode({ holder, nonce, token, until: endOf(clock, term) });
  if (!(await state.swap(key, bytes, held))) {
    const winner = await state.get(key);
    throw taken(name, winner === null ? null : parseRecord(winner, key), clock.now());
  }
  // One after the other: a release that overtakes a renewal would find bytes that it does not know, and hold the lease for a term.
  let before: Promise<unknown> = Promise.resolve();
  let isOver = false;
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const mine = before.then(work);
    before = mine.catch(() => undefined); // whoever asked is told
    return mine;
  };
  return {
    name,
    token,
    renew: () =>
      inTurn(async () => {
        const next = encode({ holder, nonce, token, until: endOf(clock, term) });
        if (isOver || sameBytes(next, held)) return;
        if (!(await state.swap(key, held, next))) {
          const now = await state.get(key);
          // An answer that was lost on its way: what we wrote is there.
          if (now === null || !sameBytes(now, next))
            throw taken(name, now === null ? null : parseRecord(now, key), clock.now());
        }
        held = next;
      }),
    release: () =>
      inTurn(async () => {
        isOver = true;
        // The token stays behind: the next holder's must be higher.
        await state.swap(key, held, encode({ holder: null, nonce, token, until: null }));
      }),
  };
}

function endOf(clock: Clock, term: number): string {
  return new Date(clock.now().getTime() + term).toISOString();
}

function taken(name: string, record: Record | null, now: Date): NixsealError {
  const who = record?.holder ?? "another operator";
  const until = record?.until ?? null;
  return new NixsealError("conflict", `${name} is held by ${who}${until === null ? "" : ` until ${until}`}`, {
    hint:
      until !== null && new Date(until).getTime() - now.getTime() > farAhead
        ? `one of the clocks is wrong, or somebody wrote this; make sure that nobody deploys, then remove lease/${name} from the shared state`
        : "wait until it is done; a lease whose holder died ends by itself",
  });
}

const count: Check<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value >= largestToken)
    throw wrong(path, "a whole number from 1", value);
  return value;
};
const time = text(
  (value) => !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value,
  "a time (2026-01-31T12:00:00.000Z)",
);
const recordOf = object<Record>({
  holder: nullable(text((value) => value.length <= 200, "at most 200 characters")),
  nonce: text((value) => /^[0-9a-f]{32}$/.test(value), "16 bytes in hex"),
  token: count,
  until: nullable(time),
});

/** A damaged lease is never taken for a free one: its token is unknown. */
function parseRecord(bytes: Uint8Array, key: string): Record {
  try {
    return recordOf(JSON.parse(utf8Text(bytes, key)), key);
  } catch (cause) {
    throw new NixsealError("malformed", `the lease ${key} is damaged`, {
      hint: "make sure that nobody deploys, then remove it; hosts refuse a lower token than they have seen",
      cause,
    });
  }
}

function encode(record: Record): Uint8Array {
  return utf8(canonicalJson({ ...record }));
}
