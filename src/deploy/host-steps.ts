/** One host, from its order to its receipt. Whatever goes wrong with it becomes its report; the other hosts go on. */
import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { GateEvent } from "../gate/answer.ts";
import { confirmationText, type GateAction, type GateMessage, type OfferMessage } from "../gate/message.ts";
import type { WarrantEnvelope } from "../trust/warrant/envelope.ts";
import type { LogHead } from "../log/log.ts";
import type { SshSig } from "../ssh/sshsig.ts";
import type { Lease } from "../state/lease.ts";
import { accepted, type GateNo, type GateSuccess } from "./gate-client.ts";
import { clocksApart } from "./clocks.ts";
import { keepLease } from "./keep-lease.ts";
import type { Reboots } from "./plan.ts";
import { awaitsReboot, thenReboot } from "./reboot-host.ts";
import type { HostReport } from "./rollout.ts";

export interface HostOrder {
  readonly fleet: string;
  readonly host: string;
  readonly order: WarrantEnvelope;
  readonly action: GateAction;
  readonly reboots: Reboots;
  /** Milliseconds for a reboot. */
  readonly rebootWithin: number;
  /** The order with what the host lacks to decide on it, by its status. */
  offer(status: GateSuccess): Promise<OfferMessage>;
}

/** What is done for one host, over connections that somebody else holds. */
export interface HostWorld {
  readonly clock: Clock;
  /** `fresh`: over a connection of its own, which shows that the host still lets people in. */
  ask(
    message: GateMessage,
    way: "shared" | "fresh",
    onEvent?: (event: GateEvent) => void,
  ): Promise<GateSuccess | GateNo>;
  /** Sends what the host lacks of the closure. */
  copy(): Promise<void>;
  /** `seen`: the highest token that the host has seen. */
  lease(seen: number): Promise<Lease>;
  /** Whether the new system does its work, as seen from here: why not, else null. */
  check(): Promise<string | null>;
  sign(text: Uint8Array, purpose: "confirm" | "reboot"): Promise<SshSig>;
  /** Gives up the shared connection: the next question opens another. */
  disconnect(): Promise<void>;
  /** What the log ends with, for the host to bear witness of. */
  logHead(): Promise<LogHead | null>;
  say(message: string): void;
}

export interface HostResult extends HostReport {
  /** Whether it was told to start anew. */
  readonly rebooted?: boolean;
  /** As the host signed it; null when it gave none. */
  readonly receipt: string | null;
}

/** Milliseconds between two looks at a host whose answer was lost. */
const pause = 2_000;
/** How often, and for how many milliseconds, a host is looked at whose answer was lost: it goes on by itself, or back, within minutes. */
const most = { looks: 300, looking: 30 * 60_000 };

export async function deployHost(order: HostOrder, world: HostWorld): Promise<HostResult> {
  const { host } = order;
  const digest = order.order.digest;
  const already = {
    host,
    outcome: "done",
    message: "runs it already",
    changed: false,
    receipt: null,
  } as const;
  let status: GateSuccess;
  let runs: boolean;
  let apart: string | null = null;
  const failure = (outcome: "failed" | "offline", error: NixsealError): HostResult => {
    const said = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
    return {
      host,
      outcome,
      message: apart === null ? said : `${said}; ${apart}`,
      changed: false,
      receipt: null,
    };
  };
  try {
    status = accepted(await world.ask({ kind: "status" }, "shared"), host);
    apart = clocksApart(status, world.clock.now());
    if (apart !== null) world.say(apart);
    runs = status["active"] === digest && order.action !== "dry-activate";
    if (runs && (order.reboots === "never" || !awaitsReboot(order, status))) return already;
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    // Only who could not be reached is offline: a wrong host key, or a gate that says no, is a failure.
    return failure(error.code === "io" || error.code === "timeout" ? "offline" : "failed", error);
  }
  try {
    const { fence } = status;
    const lease = await world.lease(typeof fence === "number" && Number.isSafeInteger(fence) ? fence : 0);
    const renewal = keepLease(lease, world.clock);
    try {
      const result = runs ? already : await underLease(order, status, world, lease, renewal.lost);
      return await thenReboot(order, world, result, lease.token);
    } finally {
      renewal.end();
      await giveBack(lease, world);
    }
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return failure("failed", error);
  }
}

/** What the host came to stands; a lease that stays behind ends by itself. */
async function giveBack(lease: Lease, world: HostWorld): Promise<void> {
  try {
    await lease.release();
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    world.say(`the lease was not given back, and ends by itself (${error.message})`);
  }
}

async function underLease(
  order: HostOrder,
  status: GateSuccess,
  world: HostWorld,
  lease: Lease,
  lost: () => NixsealError | null,
): Promise<HostResult> {
  const { host, action } = order;
  const stillOurs = (): void => {
    const error = lost();
    if (error !== null) throw error;
  };
  accepted(await world.ask(await order.offer(status), "shared"), host);
  world.say("sending what it lacks");
  await world.copy();
  stillOurs();
  const fence = lease.token;
  const message = {
    kind: "activate",
    warrant: order.order.digest,
    action,
    rehash: false,
    fence,
    log: await world.logHead(),
  } as const;
  let answering: Promise<void> | null = null;
  const onEvent = (event: GateEvent): void => {
    world.say(event.message);
    const nonce = event.step === "confirm" ? event.data?.["nonce"] : undefined;
    if (typeof nonce !== "string" || answering !== null) return;
    answering = answer(order, world, nonce, fence);
    answering.catch(() => undefined); // looked at below: the host's own answer counts for more
  };
  let result: GateSuccess | GateNo;
  try {
    result = await world.ask(message, "shared", onEvent);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    world.say(`the connection was lost during the activation (${error.message}); looking how it ends`);
    result = await lookAgain(order, world, error);
  }
  const why = await (answering ?? Promise.resolve()).then(
    () => "",
    (error: unknown) => {
      if (error instanceof NixsealError) return `; ${error.message}`;
      throw error;
    },
  );
  const receipt = typeof result["receipt"] === "string" ? result["receipt"] : null;
  if (result.ok)
    return { host, outcome: "done", message: doneText(result), changed: action !== "dry-activate", receipt };
  const hint = result.hint === null ? "" : ` (${result.hint})`;
  return { host, outcome: "failed", message: `${result.reason}${hint}${why}`, changed: true, receipt };
}

/** The host asks whether the new system may stay. */
async function answer(order: HostOrder, world: HostWorld, nonce: string, fence: number): Promise<void> {
  const { fleet, host } = order;
  const sick = await world.check();
  if (sick !== null) {
    await world.ask({ kind: "revert", fence }, "fresh"); // what came of it is what the activation itself answers
    throw new NixsealError("refused", sick);
  }
  const text = confirmationText({ fleet, host, warrant: order.order.digest, nonce });
  const signature = await world.sign(text, "confirm");
  accepted(await world.ask({ kind: "confirm", nonce, signature, fence }, "fresh"), host);
}

/** What became of an activation whose answer did not arrive. The host does not need us for it. */
async function lookAgain(
  order: HostOrder,
  world: HostWorld,
  lost: NixsealError,
): Promise<GateSuccess | GateNo> {
  const digest = order.order.digest;
  const end = world.clock.now().getTime() + most.looking;
  for (let looks = 0; looks < most.looks && world.clock.now().getTime() < end; looks++) {
    await world.clock.sleep(pause);
    const status = await world.ask({ kind: "status" }, "fresh").catch((error: unknown) => {
      if (error instanceof NixsealError) return null; // it may be starting anew
      throw error;
    });
    if (status === null || !status.ok || status["activation"] !== null) continue;
    if (status["active"] === digest) return status;
    const reason = `the connection was lost (${lost.message}), and the host has its former system`;
    return { kind: "result", ok: false, code: "reverted", reason, hint: null };
  }
  throw new NixsealError(
    "timeout",
    `the connection was lost, and the host does not say how it ended: ${lost.message}`,
    {
      hint: `nixseal deploy status ${order.host}`,
    },
  );
}

function doneText(result: GateSuccess): string {
  switch (result["outcome"]) {
    case "tested":
      return "runs it until the next boot";
    case "next-boot":
      return "boots it next";
    case "dry":
      return "nothing was changed";
    default:
      return "runs it";
  }
}
