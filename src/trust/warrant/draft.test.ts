import assert from "node:assert/strict";
import { test } from "node:test";
import { alice, bob, later, noon, policy, signed, warrant } from "../../../test/support/warrants.ts";
import { decideWarrant } from "./decide.ts";
import { closureOfWarrant, draftWarrant, formerOf, formerOfFormer, type Order } from "./draft.ts";

const order: Order = {
  fleet: "test",
  subject: { kind: "host", name: "web" },
  action: "boot",
  now: new Date(noon.getTime() + 999),
  lifetime: 3600,
  source: null,
};
const closure = closureOfWarrant(warrant());

test("drafts follow each other, and a host accepts them in turn", async () => {
  const first = await signed(draftWarrant(order, closure, null), alice, bob);
  const second = await signed(draftWarrant(order, closure, formerOf(first)), alice, bob);
  assert.deepEqual([first.warrant.seq, first.warrant.prev], [1, null]);
  assert.deepEqual([second.warrant.seq, second.warrant.prev], [2, first.digest]);
  assert.deepEqual(first.warrant.expires, later(1));
  const one = decideWarrant({ envelope: first }, policy);
  assert.ok(one.accepted);
  assert.ok(decideWarrant({ envelope: second }, { ...policy, state: one.state }).accepted);
});

test("a draft in the place of another follows what that one followed", async () => {
  const first = await signed(draftWarrant(order, closure, null));
  const second = await signed(draftWarrant(order, closure, formerOf(first)));
  assert.equal(formerOfFormer(first), null);
  const instead = draftWarrant({ ...order, action: "test" }, closure, formerOfFormer(second));
  assert.deepEqual([instead.seq, instead.prev], [2, first.digest]);
});

test("a clock that went back does not make an order that is older than the one before", async () => {
  const first = await signed(draftWarrant(order, closure, null));
  const second = draftWarrant({ ...order, now: later(-0.5) }, closure, formerOf(first));
  assert.deepEqual(second.notBefore, first.warrant.notBefore);
  assert.throws(() => draftWarrant({ ...order, now: later(-5) }, closure, formerOf(first)), {
    code: "usage",
  });
});

test("a warrant of another fleet or host is not followed", async () => {
  const former = formerOf(await signed(warrant({ subject: { kind: "host", name: "db" } })));
  assert.throws(() => draftWarrant(order, closure, former), { code: "usage" });
  const foreign = formerOf(await signed(warrant({ fleet: "other" })));
  assert.throws(() => draftWarrant(order, closure, foreign), { code: "usage" });
});
