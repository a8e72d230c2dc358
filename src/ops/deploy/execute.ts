/** Carrying out a plan: signatures, then wave after wave, with every decision in the log. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { askGate, type GateSuccess } from "../../deploy/gate-client.ts";
import { deployHost, type HostResult, type HostWorld } from "../../deploy/host-steps.ts";
import { runsItAlready, type DeployPlan, type PlannedHost } from "../../deploy/plan.ts";
import { recordHost, recordRollout, rolloutName } from "../../deploy/records.ts";
import { rollOut, type RolloutReport } from "../../deploy/rollout.ts";
import type { SshFleet } from "../../deploy/ssh.ts";
import type { Host } from "../../inventory/model.ts";
import { appendForHosts, appendToLog, headOfLog } from "../../log/log.ts";
import { acquireLease } from "../../state/lease.ts";
import type { State } from "../../state/state.ts";
import { SharedPaths } from "../../trust/warrant/shared-paths.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import { offerFor } from "../gate/offer-message.ts";
import { keepReceipt } from "../host-receipts.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import type { SignerChoice } from "../warrant/add-signature.ts";
import { checkHost } from "./checks.ts";
import { confirmer, warnWithoutConfirmer } from "./confirmer.ts";
import { gateOf } from "./connect.ts";
import { sendSystem } from "./send.ts";
import type { OrderFile } from "./sign-orders.ts";

export interface Execution {
  readonly plan: DeployPlan;
  /** Signed, by host. */
  readonly orders: ReadonlyMap<string, OrderFile>;
  readonly store: string | null;
  /** The hosts have the paths: nothing is sent. */
  readonly present?: boolean;
  readonly choice: SignerChoice;
  /** Milliseconds that a host may take to be back. */
  readonly rebootWithin?: number;
  /** Whether hosts are told what the log ends with. Not of one that goes with the machine, as a CI runner's does: they would bear witness against the next. */
  readonly hasLog?: boolean;
}

/** Bytes of a receipt as the log spells it: an entry has room for one that a host has signed. What is larger is none. */
const largestLogged = 48 << 10;

const usualReboot = 10 * 60_000;

/** Milliseconds that a lease holds without being renewed. */
const leaseTerm = 60_000;

/** The orders of a plan, as they lie in the fleet now. `refused` when one is not the one that was planned. */
export async function ordersOf(
  context: Pick<Context, "files">,
  { directory }: Pick<OpenFleet, "directory">,
  plan: DeployPlan,
): Promise<Map<string, OrderFile>> {
  const found = new Map<string, OrderFile>();
  const shared = new SharedPaths();
  for (const { name, warrant, toplevel } of plan.hosts) {
    const envelope = await readWarrant(context.files, join(directory, warrant.file), warrant.file);
    if (envelope.digest !== warrant.digest)
      throw new NixsealError("refused", `${warrant.file} is not the order that was planned for '${name}'`, {
        hint: "somebody made another one since: plan again",
        where: { file: warrant.file },
      });
    const { subject, seq, action, toplevel: ordered } = envelope.warrant;
    // A plan is anybody's file: shown is what it says, signed is what the order says.
    const isShown =
      subject.kind === "host" &&
      subject.name === name &&
      seq === warrant.seq &&
      action === plan.action &&
      ordered === toplevel;
    if (!isShown)
      throw new NixsealError(
        "refused",
        `${warrant.file} orders something else than the plan shows for '${name}'`,
        {
          hint: `nixseal warrant show ${warrant.file}; whoever made the plan had something in mind`,
          where: { file: warrant.file },
        },
      );
    found.set(name, { envelope: shared.of(envelope), file: warrant.file });
  }
  return found;
}

/** What every deployment works with. */
export interface World {
  readonly context: Context;
  readonly open: OpenFleet;
  readonly trust: OpenTrust;
  readonly ssh: SshFleet;
  readonly state: State;
}

export async function execute(
  { context, open, trust, ssh, state }: World,
  execution: Execution,
): Promise<RolloutReport> {
  const { plan } = execution;
  const { clock, processes, environment } = context;
  const by = { member: null, machine: `${environment.get("USER") ?? "someone"}@${processes.hostname}` };
  const rollout = rolloutName(plan);
  const names = plan.hosts.map(({ name }) => name);
  const began = { began: clock.now().toISOString(), by: by.machine, hosts: names, ended: null };
  await recordRollout(state, rollout, began);
  const warrants = new Map(plan.hosts.map(({ name, warrant }) => [name, warrant.digest]));
  await appendForHosts(state, clock, { what: "deploy.apply", by, hosts: names }, (hosts) => ({
    plan: plan.id,
    warrants: Object.fromEntries(hosts.map((name) => [name, warrants.get(name)!])),
  }));
  const confirm = confirmer(context, open, trust, execution.choice);

  const one = async (planned: PlannedHost): Promise<HostResult> => {
    const host = hostOf(open, planned.name);
    const order = execution.orders.get(planned.name)!;
    const say = (message: string): void =>
      context.emit({ type: "step", message: `${host.name}: ${message}` });
    const world: HostWorld = {
      clock,
      say,
      ask: (message, way, onEvent) => askGate(gateOf(context, ssh, host, way), message, onEvent),
      copy: async () => {
        if (execution.present === true) return;
        await sendSystem(context, ssh, host, planned.toplevel, execution.store);
      },
      lease: async (seen) => {
        await warnWithoutConfirmer(context, open, trust, execution.choice, order);
        return acquireLease(state, context, {
          name: `host/${host.name}`,
          holder: `${by.machine} (pid ${processes.pid})`,
          term: leaseTerm,
          seen,
        });
      },
      check: () => checkHost(context, open.directory, open.fleet.deploy.checks, host),
      sign: (text, purpose) => confirm(order, text, purpose),
      disconnect: () => ssh.disconnect(host),
      logHead: async () => (execution.hasLog === false ? null : headOfLog(state)),
    };
    await recordHost(state, rollout, host.name, {
      at: clock.now().toISOString(),
      state: "under way",
      message: "",
    });
    const offer = (status: GateSuccess) => offerFor(context, open.directory, order.envelope, status);
    const result = await deployHost(
      {
        fleet: plan.fleet,
        host: host.name,
        order: order.envelope,
        action: order.envelope.warrant.action,
        reboots: plan.reboots,
        rebootWithin: execution.rebootWithin ?? usualReboot,
        offer,
      },
      world,
    );
    const { outcome, message, changed, rebooted } = result;
    const isFitting = Buffer.byteLength(JSON.stringify(result.receipt)) <= largestLogged;
    const receipt = isFitting ? result.receipt : null;
    await recordHost(state, rollout, host.name, { at: clock.now().toISOString(), state: outcome, message });
    if (receipt !== null) await keepReceipt(context, open.directory, plan.fleet, host, receipt);
    if (changed || rebooted === true || outcome === "failed")
      await appendToLog(state, clock, {
        what: `host.${outcome}`,
        by,
        hosts: [host.name],
        detail: {
          plan: plan.id,
          warrant: planned.warrant.digest,
          message: message.slice(0, 2000).toWellFormed(),
          receipt,
        },
      });
    return result;
  };

  const report = await rollOut(plan.hosts, plan.rollout, {
    clock,
    name: ({ name }) => name,
    isIdle: (planned) => isIdle(plan, planned),
    deploy: one,
    check: async (done) => {
      for (const { name } of done) {
        const fault = await checkHost(context, open.directory, open.fleet.deploy.checks, hostOf(open, name));
        if (fault !== null) return fault;
      }
      return null;
    },
    begin: (wave, number, waves) => {
      if (waves > 1)
        context.emit({
          type: "step",
          message: `wave ${number} of ${waves}: ${wave.map(({ name }) => name).join(" ")}`,
        });
    },
  });
  const said = report.ended === null ? "done" : `${report.ended.how}: ${report.ended.reason}`;
  const message = said.slice(0, 2000).toWellFormed();
  await recordRollout(state, rollout, { ...began, ended: { at: clock.now().toISOString(), message } });
  await appendForHosts(state, clock, { what: "deploy.end", by, hosts: names }, () => ({
    plan: plan.id,
    message,
  }));
  return report;
}

/** Whether nothing is to be done to the host, by its own word when the plan was made. */
export function isIdle({ reboots }: DeployPlan, planned: PlannedHost): boolean {
  return runsItAlready(planned) && (reboots === "never" || planned.reboot === false);
}

export function hostOf({ fleet }: OpenFleet, name: string): Host {
  const host = [...fleet.hosts.values()].find((one) => one.name === name);
  if (host !== undefined) return host;
  throw new NixsealError("not-found", `'${name}' is no host of the fleet any more`, { hint: "plan again" });
}
