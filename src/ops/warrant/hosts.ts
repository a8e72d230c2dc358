import type { Fleet } from "../../inventory/model.ts";
import { selectorPicks, type Candidate } from "../../inventory/selector-entry.ts";
import type { Root } from "../../trust/root/root.ts";
import type { Subject } from "../../trust/warrant/model.ts";

/**
 * The hosts of the inventory that a warrant is for, sorted by name. A host that is not in the inventory stands without tags: what
 * is decided for it then rests on its name alone.
 */
export function hostsOf(fleet: Fleet, root: Root, { kind, name }: Subject): Candidate[] {
  const all = [...fleet.hosts.values()].map((host): Candidate => ({ name: host.name, labels: host.tags }));
  if (kind === "host") return [all.find((host) => host.name === name) ?? { name, labels: [] }];
  const entries = root.groups.get(name) ?? [];
  return all.filter((host) => selectorPicks(entries, host)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
