/** What may be signed of an order that lay in a file, which whoever could write there wrote. */
import { NixsealError } from "../../core/errors.ts";
import type { SecretsOrder } from "../../gate/secrets/order.ts";
import { formatTime } from "../../trust/root/root.ts";

export interface Expected {
  readonly fleet: string;
  readonly host: string;
  /** Of the newest order that the host has followed. */
  readonly seq: number;
  readonly now: Date;
  /** Seconds that an order made now would hold. */
  readonly holds: number;
  /** The former ciphertexts of a secret, as this repository has them. */
  readonly former: (name: string) => Promise<readonly string[]>;
}

/** Seconds between the clocks of members. */
const skew = 300;

/**
 * Refuses (`refused`) an order that the caller would not have made: one that holds longer or has a later number could be kept from the host and
 * bring today's values back when they are old, and what it replaces must not take in a value that is still to come.
 */
export async function checkKept(order: SecretsOrder, expected: Expected): Promise<void> {
  const { fleet, host, seq, now, holds, former } = expected;
  const refuse = (why: string): never => {
    throw new NixsealError("refused", why, { hint: "remove the file, and push again" });
  };
  if (order.fleet !== fleet || order.host !== host)
    refuse(`the order is for ${order.host} of the fleet '${order.fleet}'`);
  if (now >= order.expires) refuse("the order has ended");
  if (order.seq !== seq + 1) refuse(`the order has the number ${order.seq}, and ${seq + 1} is the next`);
  if (order.expires.getTime() > now.getTime() + (holds + skew) * 1000)
    refuse(`the order holds until ${formatTime(order.expires)}, longer than --expires asks for`);
  for (const { name, replaces } of order.values) {
    const known = new Set(replaces.length === 0 ? [] : await former(name));
    if (!replaces.every((digest) => known.has(digest)))
      refuse(`the order replaces a value of '${name}' that git does not know here`);
  }
}
