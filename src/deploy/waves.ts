/** Which hosts go when, and whether to go on. Pure: counts in, a decision out. */
import { NixsealError } from "../core/errors.ts";

export interface WavePlan {
  /** Hosts that go first, alone. 0: nobody does. */
  readonly canary: number;
  /** How much of the rest goes in each later wave, in per cent of all hosts; the last wave takes what is left. */
  readonly steps: readonly number[];
}

export type Outcome =
  /** it runs the new system, or did already */
  | "done"
  /** it could not be reached and was not touched: it counts against nobody */
  | "offline"
  /** it refused, failed, or returned to its former system */
  | "failed";

export interface Budget {
  /** Hosts of all waves so far that may fail before the rollout ends. */
  readonly failures: number;
  /** What happens then to the hosts that are done: they stay, or return to their former system. */
  readonly beyond: "stop" | "revert";
}

export type Verdict = { readonly go: "on" } | { readonly go: "stop" | "revert"; readonly reason: string };

/** The waves in order; each host is in exactly one. Order within is the caller's: it decides who is the canary. */
export function wavesOf<T>(hosts: readonly T[], { canary, steps }: WavePlan): T[][] {
  if (!Number.isInteger(canary) || canary < 0)
    throw new NixsealError("usage", "the canary is a count of hosts");
  for (const step of steps)
    if (!(step > 0 && step <= 100)) throw new NixsealError("usage", `a wave of ${step} per cent is none`);
  const waves: T[][] = [];
  let start = 0;
  const take = (count: number): void => {
    const wave = hosts.slice(start, start + count);
    start += wave.length;
    if (wave.length > 0) waves.push(wave);
  };
  take(canary);
  for (const step of steps) take(Math.max(1, Math.ceil((hosts.length * step) / 100)));
  take(hosts.length - start);
  return waves;
}

/** Asked after each host and after each wave. A canary that is offline proves nothing, so nobody follows it. */
export function verdictOf(outcomes: readonly Outcome[], budget: Budget, wave: "canary" | "later"): Verdict {
  const failed = outcomes.filter((one) => one === "failed").length;
  if (failed > budget.failures)
    return { go: budget.beyond, reason: `${failed} failed, ${budget.failures} may` };
  if (wave === "canary" && outcomes.length > 0 && !outcomes.includes("done"))
    return { go: "stop", reason: "no canary is done" };
  return { go: "on" };
}
