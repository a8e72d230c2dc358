/** Many hosts in waves: how many at once, when to go on, when to end. It knows nothing of what is done to a host. */
import type { Clock } from "../core/ports.ts";
import { verdictOf, wavesOf, type Budget, type Outcome, type WavePlan } from "./waves.ts";

export interface HostReport {
  readonly host: string;
  readonly outcome: Outcome;
  /** For people: what it runs now, or why it does not. */
  readonly message: string;
  /** Whether this run did something to it. */
  readonly changed: boolean;
}

export interface RolloutPlan extends WavePlan {
  readonly budget: Budget;
  /** Hosts at once. */
  readonly parallel: number;
  /** Seconds between two waves. */
  readonly soak: number;
}

export interface RolloutWork<T> {
  readonly clock: Pick<Clock, "sleep">;
  name(host: T): string;
  /** Whether it is known beforehand that nothing is to be done to it. */
  isIdle(host: T): boolean;
  /** Never throws for what is wrong with one host: that is its report. */
  deploy(host: T): Promise<HostReport>;
  /** Asked after each wave's soak, of the hosts that are done so far: why one of them is not well any more, null when all are. */
  check(done: readonly T[]): Promise<string | null>;
  /** Told of each wave before it begins. */
  begin(wave: readonly T[], number: number, waves: number): void;
}

export interface RolloutReport {
  /** Of all hosts that were begun, in the order of their end. */
  readonly reports: readonly HostReport[];
  /** Hosts that were not begun. */
  readonly untouched: readonly string[];
  /** Why it ended before the last host; null when it did not. */
  readonly ended: { readonly how: "stop" | "revert"; readonly reason: string } | null;
}

export async function rollOut<T>(
  hosts: readonly T[],
  plan: RolloutPlan,
  work: RolloutWork<T>,
): Promise<RolloutReport> {
  const reports: HostReport[] = [];
  const done: T[] = [];
  const begun = new Set<T>();
  const waves = wavesOf(hosts, plan);
  let ended: RolloutReport["ended"] = null;
  let broken: { readonly error: unknown } | null = null;

  for (const [index, wave] of waves.entries()) {
    work.begin(wave, index + 1, waves.length);
    const kind = index === 0 && plan.canary > 0 && waves.length > 1 ? "canary" : "later";
    const judged = (when: "within" | "after"): void => {
      const verdict = verdictOf(
        reports.map(({ outcome }) => outcome),
        plan.budget,
        when === "after" ? kind : "later",
      );
      if (verdict.go !== "on" && ended === null) ended = { how: verdict.go, reason: verdict.reason };
    };
    await inParallel(wave, plan.parallel, async (host) => {
      // What has begun is seen through; what has not is left alone once the budget is spent.
      if (ended !== null || broken !== null) return;
      begun.add(host);
      let report: HostReport;
      try {
        report = await work.deploy(host);
      } catch (error) {
        // Thrown at once it would take the connections from the others, which then go back for want of a confirmation.
        broken ??= { error };
        return;
      }
      reports.push(report);
      if (report.outcome === "done") done.push(host);
      judged("within");
    });
    throwIfBroken(broken);
    judged("after");
    // A wave waits for the one before it because of what would be done to it: where that is nothing, so is the wait.
    const isLast = waves
      .slice(index + 1)
      .flat()
      .every((host) => work.isIdle(host));
    if (ended === null && !isLast) {
      await work.clock.sleep(plan.soak * 1000);
      const sick = await work.check(done);
      if (sick !== null) ended = { how: plan.budget.beyond, reason: sick };
    }
    if (ended !== null) break;
  }
  return {
    reports,
    untouched: hosts.filter((host) => !begun.has(host)).map((host) => work.name(host)),
    ended,
  };
}

function throwIfBroken(broken: { readonly error: unknown } | null): void {
  if (broken !== null) throw broken.error;
}

/** Each item once, never more than `most` at the same time. */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const one = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, one));
}
