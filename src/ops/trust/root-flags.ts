/** Words of the command line that end up in a root. */
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Fleet } from "../../inventory/model.ts";
import type { SelectorEntry } from "../../inventory/selector-entry.ts";
import { hostPopulation, readSelector } from "../../inventory/selectors.ts";
import { matching } from "../matching.ts";

const words = (value: string, says: string) => z.array(z.string()).default([]).meta({ value }).describe(says);

export const expiresFlag = matching(rules.duration)
  .default("1y")
  .meta({ value: "DURATION" })
  .describe("how long the root holds; a new version is due before");
export const keyFlag = z
  .string()
  .meta({ value: "FILE" })
  .describe("the root key to sign with; for one in an agent its .pub file (default: one in ~/.ssh)")
  .optional();
export const thresholdFlag = z.int().min(1).max(32).meta({ value: "K" });
export const groupFlag = words("NAME=SELECTOR,…", "a group of hosts, such as edge=tag:web,lufta");
export const groupThresholdFlag = words(
  "NAME=K",
  "how many members must sign a warrant for the group's hosts",
);

/** `NAME=SELECTOR,…` with selectors that match in this fleet. */
export function groupsOf(fleet: Fleet, given: readonly string[]): Map<string, readonly SelectorEntry[]> {
  return new Map(
    given.map((word) => {
      const [group, value] = assignment(word, "NAME=SELECTOR,…");
      const { entries, faults } = readSelector(hostPopulation(fleet), value.split(","));
      if (faults[0] !== undefined)
        throw new NixsealError("usage", `--group ${group}: ${faults[0].message}`, { hint: faults[0].hint });
      return [group, entries];
    }),
  );
}

/** `NAME=K` */
export function thresholdsOf(given: readonly string[]): Map<string, number> {
  return new Map(
    given.map((word) => {
      const [group, value] = assignment(word, "NAME=K");
      if (!/^[1-9][0-9]?$/.test(value))
        throw new NixsealError("usage", `--group-threshold ${group}: '${value}' is no number of members`);
      return [group, Number(value)];
    }),
  );
}

/** The end of something that begins now, on a whole second. `usage` beyond ten years, which nobody means. */
export function endOf(now: Date, duration: string): Date {
  if (rules.seconds(duration) > rules.seconds("10y"))
    throw new NixsealError("usage", `${duration} is longer than 10y`, {
      hint: "what never expires is never looked at",
    });
  return new Date((Math.floor(now.getTime() / 1000) + rules.seconds(duration)) * 1000);
}

/** The fleet's name, which binds the root to it. */
export function fleetName(fleet: Fleet): string {
  if (fleet.name !== null) return fleet.name;
  throw new NixsealError("config", "the fleet has no name, which its root is bound to", {
    hint: 'write name = "…" below [fleet]',
    where: { file: "fleet.toml" },
  });
}

function assignment(word: string, form: string): [string, string] {
  const at = word.indexOf("=");
  const group = word.slice(0, Math.max(at, 0));
  if (rules.follows(rules.name, group)) return [group, word.slice(at + 1)];
  throw new NixsealError("usage", `'${word.slice(0, 80)}' is not ${form}`, { hint: "see --help" });
}
