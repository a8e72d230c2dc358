/** Attacks by orders: signatures that should not count, and orders that are not the next one for this host. */
import { verdictOfOrder, type Attack, type Reply, type Target } from "../attack.ts";
import type { Lab } from "../lab.ts";
import { formatWarrantEnvelope } from "../../../trust/warrant/envelope.ts";
import type { Fields, Order } from "../order.ts";
import type { Member } from "../people.ts";
import { labSystem } from "../systems.ts";

/** An honest order first, so that a refusal afterwards is not for a gate that refuses everything. */
async function honest(
  target: Target,
  { people: { alice, bob } }: Lab,
  name: string,
  fields?: Fields,
): Promise<Order> {
  return target.order(labSystem(target.root, name), [alice, bob], fields);
}

/** One order after another; the last is the attack. */
async function lastOf(target: Target, orders: readonly (() => Promise<Order>)[]) {
  let reply: Reply = { accepted: false, said: "nothing was tried" };
  for (const [index, order] of orders.entries()) {
    reply = await target.deploy(await order());
    if (!reply.accepted && index < orders.length - 1)
      return { kind: "not-tried", why: `an honest order was refused: ${reply.said}` } as const;
  }
  return verdictOfOrder(reply);
}

function badSigners(
  name: "one-key-twice" | "expired",
  what: string,
  signers: (lab: Lab) => readonly Member[],
): Attack {
  return {
    name,
    what,
    run: (target, lab) =>
      lastOf(target, [
        () => honest(target, lab, "one"),
        () => target.order(labSystem(target.root, "evil"), signers(lab)),
      ]),
  };
}

export const oneKeyTwice = badSigners(
  "one-key-twice",
  "one stolen key signs twice, once under each of its owner's certificates, where two members must sign",
  ({ people: { alice, aliceAgain } }) => [alice, aliceAgain],
);

export const expired = badSigners(
  "expired",
  "one of two signatures is by a certificate that has ended",
  ({ people: { aliceExpired, bob } }) => [aliceExpired, bob],
);

export const revoked: Attack = {
  name: "revoked",
  what: "one of two signatures is by a member whose key was revoked with the deployment before",
  run: async (target, lab) => {
    const status = await lab.statusWithout("carol");
    const { alice, carol } = lab.people;
    return lastOf(target, [
      () => honest(target, lab, "one", { status }),
      () => target.order(labSystem(target.root, "evil"), [alice, carol]),
    ]);
  },
};

export const wrongHost: Attack = {
  name: "wrong-host",
  what: "an order for another host of the fleet is sent to this one",
  run: (target, lab) =>
    lastOf(target, [
      () => honest(target, lab, "one"),
      () => honest(target, lab, "evil", { subject: { kind: "host", name: "another-host" } }),
    ]),
};

export const replayed: Attack = {
  name: "replayed",
  what: "an order from before, for a system with a known hole, is sent once more",
  run: async (target, lab) => {
    const first = await honest(target, lab, "old");
    return lastOf(target, [async () => first, () => honest(target, lab, "new"), async () => first]);
  },
};

export const downgraded: Attack = {
  name: "downgraded",
  what: "of two orders that were signed for the same place, the one that was not chosen is sent after the other",
  run: async (target, lab) => {
    const before: Order[] = [];
    return lastOf(target, [
      () => honest(target, lab, "one"),
      async () => {
        before.push(await honest(target, lab, "old"));
        return honest(target, lab, "new");
      },
      async () => before[0]!,
    ]);
  },
};

export const frozen: Attack = {
  name: "frozen",
  what: "an order is held back, and the host is to take the one after it without noticing",
  run: async (target, lab) => {
    const first = await honest(target, lab, "one");
    return lastOf(target, [
      async () => first,
      async () => {
        const held = await honest(target, lab, "held-back");
        const { warrant, digest } = held.envelope;
        return honest(target, lab, "after", { seq: warrant.seq + 1, prev: digest });
      },
    ]);
  },
};

/** Sampled over the whole length, since each is a start of the gate; the tests turn every byte. */
const samples = 12;

export const damagedWarrant: Attack = {
  name: "damaged-warrant",
  what: "bits of an order are turned, its end is cut off, or something is put behind it",
  run: async (target, lab) => {
    const order = await honest(target, lab, "one");
    const bytes = formatWarrantEnvelope(order.envelope);
    const variants: Uint8Array[] = [Buffer.concat([bytes, bytes]), Buffer.concat([bytes, Buffer.from(" ")])];
    for (let i = 0; i < samples; i += 1) {
      const at = Math.floor((bytes.length * i) / samples);
      variants.push(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)));
      if (i % 3 === 0) variants.push(bytes.subarray(0, at));
    }
    let refused = "";
    for (const variant of variants) {
      const reply = await target.offerBytes(variant);
      if (reply.accepted) return { kind: "succeeded", how: "a damaged order was accepted" };
      refused = reply.said;
    }
    const whole = await target.offerBytes(bytes);
    if (!whole.accepted) return { kind: "not-tried", why: `the whole order was refused too: ${whole.said}` };
    return { kind: "stopped", by: `each of ${variants.length} was refused, the last with: ${refused}` };
  },
};
