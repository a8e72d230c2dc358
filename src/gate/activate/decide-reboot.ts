/** Whether the host starts anew because somebody asks for it. Pure. */
import type { StorePath } from "../../nix/store-path.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { GateRefusal } from "../answer.ts";
import type { Guard } from "../guard.ts";
import { rebootNamespace, rebootText, type RebootMessage } from "../reboot-message.ts";
import type { Activation } from "./activation.ts";
import { checkFence, decideMember, type Known } from "./decide.ts";

export interface BeforeReboot {
  readonly activation: Activation | null;
  readonly guard: Guard;
  /** The warrant of what runs, or boots next. */
  readonly active: WarrantEnvelope | null;
  /** What the profile holds: the boot menu begins with it. */
  readonly profile: StorePath | null;
  readonly boot: string;
  /** Seconds since it began. */
  readonly uptime: number;
}

/** Seconds from the question for the status to the message: members touch their tokens one after the other. */
const freshness = 900;

/**
 * Only as the end of an order that was carried out whole, into the very system that it names: a machine that was started anew
 * by whoever holds a connection could be brought into a system that nobody ordered just now, or kept from its work for ever. So
 * a member who may activate here signs it, for this boot and no other. Throws `GateRefusal`; gives the member.
 */
export function decideReboot(
  { warrant, boot, uptime, fence, signature }: RebootMessage,
  { activation, guard, active, profile, ...here }: BeforeReboot,
  known: Known,
): string {
  const { mode, fleet, host } = known.config;
  if (mode !== "warrants")
    throw new GateRefusal("mode", "this host's gate is in stage 0 and knows no warrants");
  if (activation !== null)
    throw new GateRefusal("busy", "an activation is under way", "wait for its end, or send 'revert'");
  const { last } = guard;
  const isKept = last?.outcome === "active" || last?.outcome === "next-boot";
  if (active?.digest !== warrant || last?.warrant !== warrant || !isKept)
    throw new GateRefusal("not-active", "the host is not at the system that this warrant orders");
  if (profile !== active.warrant.toplevel)
    throw new GateRefusal("not-active", `the next boot is into ${profile ?? "nothing that is known"}`);
  if (boot !== here.boot)
    throw new GateRefusal("boot", "it has started anew since that was signed", "ask for its status again");
  if (uptime > here.uptime || here.uptime - uptime > freshness)
    throw new GateRefusal("boot", "that was signed too long ago", "ask for its status again");
  checkFence(fence, guard);
  return decideMember(signature, rebootNamespace, rebootText({ fleet, host, warrant, boot, uptime }), known);
}
