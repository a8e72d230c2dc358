/** Which options are asked for when a configuration is evaluated, and by which checks. */
import type { Check, OptionCheck } from "../checks/check.ts";

/**
 * Checks that mean what somebody wrote, not what comes out: NixOS itself turns AppArmor off (HST017 speaks of that), makes
 * programs setuid and brings polkit rules along.
 */
const ofTheSource: ReadonlySet<string> = new Set(["HST005", "PRV008", "PRV009"]);

/** What stands in flake.nix or deep in every unit: no option of a host, or too many to ask for. */
const notAsked = /^(?:nixConfig|config|serviceConfig|systemd\.services\.\*)\.|\[\]|\*\*/;

/** Option patterns (`users.users.*.password`) with the checks that judge them. */
export function evaluatedOptions(checks: readonly Check[]): ReadonlyMap<string, readonly OptionCheck[]> {
  const asked = new Map<string, OptionCheck[]>();
  for (const check of checks) {
    if (check.looksAt !== "option" || check.lastName !== undefined || ofTheSource.has(check.id)) continue;
    for (const option of check.options)
      if (!notAsked.test(option)) asked.set(option, [...(asked.get(option) ?? []), check]);
  }
  return asked;
}

/** Whether an option's path is one that the pattern means. */
export function isMeant(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length && pattern.every((name, index) => name === "*" || name === path[index])
  );
}
