import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import type { DeployPlan, PlannedChange, PlannedHost, Reboots } from "../../deploy/plan.ts";
import type { RolloutPlan } from "../../deploy/rollout.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import { anyStore, parseStorePath, type StorePath } from "../../nix/store-path.ts";
import { compareClosures, type ClosureChange, type PackageChange } from "../../trust/warrant/changes.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { keptWarrants, readKept } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { fleetName } from "../trust/root-flags.ts";
import { gitSource } from "../warrant/git-source.ts";
import { statuses } from "./connect.ts";
import { foresee, type Foresight } from "./foresee.ts";
import { ordersFor, type HostWarrant, type OrderChoice } from "./orders.ts";
import type { Systems } from "./systems.ts";

export interface MadePlan {
  readonly plan: DeployPlan;
  /** Why a host could not be asked, by name. */
  readonly unreachable: ReadonlyMap<string, NixsealError>;
}

/** Asks the hosts what they run, orders what is missing, and says what would change. */
export async function makePlan(
  context: Context,
  open: OpenFleet,
  ssh: SshFleet,
  hosts: readonly Host[],
  systems: Systems,
  choice: OrderChoice & { readonly rollout: RolloutPlan; readonly reboots: Reboots },
): Promise<MadePlan> {
  const { directory, fleet } = open;
  const answers = await statuses(context, ssh, hosts);
  const running = new Map(
    [...answers].map(([name, answer]) => [
      name,
      answer instanceof NixsealError ? null : textOf(answer["active"]),
    ]),
  );
  const source = await gitSource(context, directory, fleetName(fleet));
  const orders = await ordersFor(context, open, hosts, systems, choice, source, running);
  const foresight = foresee(context, systems.store, choice.action);
  const planned: PlannedHost[] = [];
  for (const order of orders)
    planned.push(await planHost(context, directory, order, answers.get(order.host.name)!, foresight));
  return {
    plan: {
      fleet: fleetName(fleet),
      id: hex(context.random.bytes(16)),
      created: context.clock.now(),
      action: choice.action,
      reboots: choice.reboots,
      rollout: choice.rollout,
      hosts: planned,
    },
    unreachable: new Map(
      [...answers].flatMap(([name, answer]) => (answer instanceof NixsealError ? [[name, answer]] : [])),
    ),
  };
}

async function planHost(
  { files }: Pick<Context, "files">,
  directory: string,
  { host, toplevel, envelope, file }: HostWarrant,
  answer: GateSuccess | NixsealError,
  foresight: Foresight,
): Promise<PlannedHost> {
  const { seq, paths } = envelope.warrant;
  const active = answer instanceof NixsealError ? null : textOf(answer["active"]);
  const former = active === null ? null : await keptWithDigest(files, directory, host.name, active);
  const change = former === null ? null : compareClosures(former.warrant.paths, paths);
  const running = answer instanceof NixsealError ? null : pathOf(answer["running"]);
  const isDone = active === envelope.digest;
  const awaited =
    answer instanceof NixsealError ? null : isDone && running !== toplevel ? true : flagOf(answer["reboot"]);
  const formerPaths = former !== null && former.warrant.toplevel === running ? former.warrant.paths : null;
  return {
    name: host.name,
    toplevel,
    warrant: { file, seq, digest: envelope.digest },
    current: answer instanceof NixsealError ? null : { toplevel: running, warrant: active },
    change: change === null ? null : changeOf(change),
    reboot: isDone
      ? awaited
      : awaited === true ||
        ((running === null ? null : await foresight.reboot(running, toplevel)) ??
          (change === null ? null : needsReboot(change))),
    units: running === null || isDone ? null : await foresight.units(running, toplevel),
    secrets: formerPaths === null || isDone ? null : await foresight.secrets(host.name, formerPaths, paths),
  };
}

/** The newest first: what a host runs is mostly the last order or the one before. */
export async function keptWithDigest(
  files: Context["files"],
  directory: string,
  host: string,
  digest: string,
): Promise<WarrantEnvelope | null> {
  const subject = { kind: "host", name: host } as const;
  for (const seq of (await keptWarrants(files, directory, subject)).toReversed()) {
    const envelope = await readKept(files, directory, subject, seq);
    if (envelope.digest === digest) return envelope;
  }
  return null;
}

function changeOf({ added, removed, changed, rebuilt, bytes }: ClosureChange): PlannedChange {
  const named = ({ name }: PackageChange, versions: readonly string[]): string =>
    `${name} ${versions.join(", ")}`.trimEnd();
  return {
    added: added.map((one) => named(one, one.after)),
    removed: removed.map((one) => named(one, one.before)),
    changed: changed.map((one) => `${named(one, one.before)} → ${one.after.join(", ")}`),
    rebuilt: rebuilt.length,
    bytes,
  };
}

/** What only a boot brings into effect, by the names that nixpkgs gives it. */
function needsReboot({ added, removed, changed, rebuilt }: ClosureChange): boolean {
  const boots =
    /^(?:linux|initrd-linux|linux-(?:hardened|zen|xanmod|rpi).*|kernel-modules|systemd|nvidia-x11)$/;
  return [added, removed, changed, rebuilt].flat().some(({ name }) => boots.test(name));
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function flagOf(value: unknown): boolean | null {
  return typeof value === "boolean" ? value : null;
}

function pathOf(value: unknown): StorePath | null {
  return typeof value === "string" ? parseStorePath(value, anyStore) : null;
}
