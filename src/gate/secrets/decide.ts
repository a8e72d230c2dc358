/** Whether a host follows a secrets order. Pure: evidence, policy, state and time in, a decision or a refusal out. */
import { judgeMembers, type SignatureVerdict } from "../../trust/warrant/signatures.ts";
import { decideExpiry, effectiveTime } from "../../trust/root/decide.ts";
import { formatTime } from "../../trust/root/root.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import { GateRefusal } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import type { GateTrust } from "../trust.ts";
import { trustFloor } from "../trust.ts";
import { secretsNamespace, type SecretsEnvelope } from "./order.ts";

export interface SecretsPolicy {
  readonly config: Pick<GateConfig, "fleet" | "host" | "tags" | "mode">;
  readonly trust: GateTrust;
  /** The latest time that was accepted. */
  readonly floor: Date | null;
  /** Of the newest order that was followed; 0 where there was none. */
  readonly seq: number;
  readonly clock: Date;
}

export interface SecretsAccepted {
  readonly principals: readonly string[];
  readonly threshold: number;
}

/** How far one order moves the number: the largest that there is would refuse every later one for ever. */
const largestStep = 1 << 20;

/**
 * A value can be a password of root, so it takes what it takes to order a system: as many members with the right `activate` on this host
 * as a warrant would need. Throws `GateRefusal`.
 */
export function decideSecrets(envelope: SecretsEnvelope, policy: SecretsPolicy): SecretsAccepted {
  const { config, trust, floor, seq, clock } = policy;
  const { order } = envelope;
  if (config.mode !== "warrants")
    throw new GateRefusal("mode", "this host's gate is in stage 0 and knows no signed orders");
  const root = trust.root.root;
  // Setting the clock back revives neither an order nor a certificate.
  const now = effectiveTime(clock, trustFloor(trust, floor));
  const expiry = decideExpiry(root, now);
  if (!expiry.accepted) throw new GateRefusal(expiry.code, expiry.reason);
  if (order.fleet !== root.fleet || order.fleet !== config.fleet)
    throw new GateRefusal("wrong-fleet", `the order is for the fleet '${order.fleet}', not '${root.fleet}'`);
  if (order.host !== config.host)
    throw new GateRefusal("wrong-host", `the order is for ${order.host}, not for ${config.host}`);
  if (now < order.notBefore)
    throw new GateRefusal("not-yet-valid", `the order begins at ${formatTime(order.notBefore)}`);
  if (now >= order.expires)
    throw new GateRefusal("expired", `the order ended at ${formatTime(order.expires)}`);
  // Of two with one number the first that came counts; an older one would bring older values back.
  if (order.seq <= seq)
    throw new GateRefusal("replayed", `order ${order.seq} comes too late: ${seq} was followed`, "push again");
  if (order.seq > seq + largestStep)
    throw new GateRefusal("gap", `order ${order.seq} is too far from ${seq}, the last one`);
  const host = { name: config.host, labels: config.tags };
  const verdicts = judgeMembers(envelope, secretsNamespace, null, host, {
    root,
    revocations: trust.krl,
    now,
  });
  const principals = verdicts.flatMap((one) => (one.accepted ? [one.principal] : []));
  const threshold = thresholdFor(root, host);
  if (principals.length >= threshold) return { principals, threshold };
  throw new GateRefusal("threshold", `${whoSigned(principals)}, of ${threshold} needed${whyNot(verdicts)}`);
}

function whoSigned(principals: readonly string[]): string {
  return `${principals.length === 0 ? "nobody" : principals.join(", ")} signed`;
}

function whyNot(verdicts: readonly SignatureVerdict[]): string {
  const refused = verdicts.find((one) => !one.accepted);
  return refused === undefined || refused.accepted ? "" : `; a signature does not count: ${refused.reason}`;
}
