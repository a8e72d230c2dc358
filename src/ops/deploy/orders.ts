/** The order that each host will get: one that is there already, or the next of its sequence. */
import { NixsealError } from "../../core/errors.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { Host } from "../../inventory/model.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { claimOf, type Closure } from "../../trust/warrant/closure.ts";
import { closuresFromStore } from "../../trust/warrant/local-store.ts";
import type { Action, Source } from "../../trust/warrant/model.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { SharedPaths } from "../../trust/warrant/shared-paths.ts";
import { newestWarrant, warrantFile } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { fleetName } from "../trust/root-flags.ts";
import { draftInto } from "../warrant/draft-file.ts";
import { localStore } from "../warrant/nix-store.ts";
import { storeFor, type Systems } from "./systems.ts";

export interface HostWarrant {
  readonly host: Host;
  readonly toplevel: StorePath;
  readonly envelope: WarrantEnvelope;
  readonly file: string;
}

export interface OrderChoice {
  readonly action: Action;
  readonly expires: string;
}

/** An order that ends within the hour is made anew: a rollout may take that long. */
const soon = 3_600_000;

/** Writes what is missing below `warrants/`, unsigned. Under the fleet's lock. `running`: the digest of the warrant that each host runs by. */
export async function ordersFor(
  context: Context,
  { directory, fleet }: OpenFleet,
  hosts: readonly Host[],
  systems: Systems,
  choice: OrderChoice,
  source: Source | null,
  running: ReadonlyMap<string, string | null>,
): Promise<HostWarrant[]> {
  const closures = await closuresOf(context, hosts, systems);
  const orders: HostWarrant[] = [];
  const shared = new SharedPaths();
  for (const host of hosts) {
    const toplevel = systems.of.get(host.name)!;
    const closure = closures.get(host.name)!;
    const subject = { kind: "host", name: host.name } as const;
    const newest = await newestWarrant(context.files, directory, subject);
    // What runs by its order needs no new one, however old the order is.
    const isDone = newest !== null && running.get(host.name) === newest.digest;
    if (
      newest !== null &&
      isSame(newest, closure, choice) &&
      (isDone || holds(newest, context.clock.now()))
    ) {
      orders.push({
        host,
        toplevel,
        envelope: shared.of(newest),
        file: warrantFile(subject, newest.warrant.seq),
      });
      continue;
    }
    const order = { fleet: fleetName(fleet), subject, action: choice.action, source };
    const { envelope, file } = await draftInto(context, directory, order, closure, {
      seconds: rules.seconds(choice.expires),
    });
    orders.push({ host, toplevel, envelope: shared.of(envelope), file });
  }
  return orders;
}

/** By host. Each store is asked once; what two builders made under one name need not be the same. */
async function closuresOf(
  context: Context,
  hosts: readonly Host[],
  systems: Systems,
): Promise<Map<string, Closure>> {
  const { environment } = localStore(context, undefined);
  const closures = new Map<string, Closure>();
  const byStore = new Map<string | null, Host[]>();
  for (const host of hosts) {
    const store = storeFor(systems.store, host);
    byStore.set(store, [...(byStore.get(store) ?? []), host]);
  }
  for (const [store, some] of byStore) {
    const toplevels = some.map(({ name }) => systems.of.get(name)!);
    const found = await closuresFromStore(context.processes, { store, environment }, toplevels);
    for (const { name } of some) closures.set(name, found.get(systems.of.get(name)!)!);
  }
  return closures;
}

/** The same system, byte for byte, ordered in the same way: signing it once more would say nothing new. */
function isSame({ warrant }: WarrantEnvelope, closure: Closure, { action }: OrderChoice): boolean {
  return (
    warrant.action === action &&
    warrant.toplevel === closure.toplevel &&
    warrant.paths.length === closure.paths.length &&
    warrant.paths.every((path, index) => claimOf(path) === claimOf(closure.paths[index]!))
  );
}

function holds({ warrant }: WarrantEnvelope, now: Date): boolean {
  return warrant.expires.getTime() - now.getTime() > soon;
}

export function requireHosts(hosts: readonly Host[]): void {
  if (hosts.length === 0)
    throw new NixsealError("usage", "which hosts?", { hint: "name them, or tag:T, or '*' for all" });
}
