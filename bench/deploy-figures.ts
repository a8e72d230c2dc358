/** What the measurements of a deployment mean. */
import type { Figure } from "./figure.ts";
import type { Cost } from "./process-cost.ts";

export interface Measured extends Cost {
  readonly hosts: number;
  readonly connections: number;
  /** The most that one host had. */
  readonly mostConnections: number;
  /** Seconds of processor time of all hosts. */
  readonly remote: number;
}

/** Milliseconds of processor time on the operator's machine, with all programs, for each host. */
function operatorTime({ all, beside, hosts }: Measured): number {
  return ((all + (beside.get("ssh master")?.seconds ?? 0)) / hosts) * 1000;
}

export function rolloutFigures(all: Measured, loop: Measured): Figure[] {
  const { own, hosts, beside } = all;
  const [ours, theirs] = [operatorTime(all), operatorTime(loop)];
  const helpers = [...beside].map(
    ([name, { most, megabytes }]) => `${most} ${name} with ${megabytes.toFixed(0)} MB`,
  );
  return [
    {
      what: "all of them, from the plan to the confirmation and the receipt",
      value: all.seconds,
      unit: "s",
      beside: `serial nix-copy-closure and ssh, without gate, health or confirmation: ${((loop.seconds / loop.hosts) * hosts).toFixed(0)} s (${loop.hosts} hosts, scaled)`,
    },
    {
      what: "of that the hosts' own work, which a fleet does by itself: processor time a host",
      value: (all.remote / hosts) * 1000,
      unit: "ms",
      beside: `serial loop: ${((loop.remote / loop.hosts) * 1000).toFixed(0)} ms`,
    },
    {
      what: "processor time of the operator's machine a host, ssh and nix included",
      value: ours,
      unit: "ms",
      beside: `serial loop: ${theirs.toFixed(0)} ms`,
      ratio: ours / theirs,
    },
    {
      what: "of that nixseal itself",
      value: (own!.seconds / hosts) * 1000,
      unit: "ms",
      beside: `${own!.seconds.toFixed(1)} s in all`,
    },
    {
      what: "memory of nixseal",
      value: own!.megabytes,
      unit: "MB",
      beside: `beside it at most ${helpers.join(", ")}`,
    },
    {
      what: "connections a host",
      value: all.connections / hosts,
      unit: "",
      beside: `serial loop: ${(loop.connections / loop.hosts).toFixed(1)}`,
    },
    {
      what: "connections",
      value: all.connections / all.seconds,
      unit: "/s",
      beside: `serial loop: ${(loop.connections / loop.seconds).toFixed(1)}/s`,
    },
  ];
}

/** Nothing is to be done. */
export function quietFigures(again: Measured, look: Measured): Figure[] {
  const { hosts } = again;
  const [ours, theirs] = [operatorTime(again), operatorTime(look)];
  return [
    {
      what: `once more to ${hosts} of them, which run it already`,
      value: again.seconds,
      unit: "s",
      beside: `serial ssh HOST readlink /run/current-system: ${look.seconds.toFixed(1)} s`,
      ratio: again.seconds / look.seconds,
    },
    {
      what: "the most connections of one host (at most 1 wanted)",
      value: again.mostConnections,
      unit: "",
      beside: `serial ssh: ${look.mostConnections}`,
    },
    {
      what: "processor time of the operator's machine a host",
      value: ours,
      unit: "ms",
      beside: `serial ssh: ${theirs.toFixed(0)} ms`,
      ratio: ours / theirs,
    },
  ];
}
