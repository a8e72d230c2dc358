import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { later, next, signed, warrant } from "../../../test/support/warrants.ts";
import type { WarrantEnvelope } from "./envelope.ts";
import type { Warrant } from "./model.ts";
import { linkOf, sequenceFault, type Link } from "./sequence.ts";
import { nothingAccepted, sequenceOf, stateAfter, type WarrantState } from "./state.ts";

async function chain(length: number, fields: Partial<Warrant> = {}): Promise<WarrantEnvelope[]> {
  const made = [await signed(warrant(fields))];
  while (made.length < length) made.push(await signed(next(made.at(-1)!, fields)));
  return made;
}

function after(...accepted: readonly WarrantEnvelope[]): WarrantState {
  let state = nothingAccepted;
  for (const one of accepted) state = stateAfter(state, one.warrant, one.digest);
  return state;
}

function codeOf(envelope: WarrantEnvelope, state: WarrantState, between: readonly Link[] = []): string {
  return sequenceFault(envelope, between, state)?.code ?? "next";
}

test("a host that has accepted nothing takes any number", async () => {
  const [, , third] = await chain(3);
  assert.equal(codeOf(third!, nothingAccepted), "next");
});

test("only the one that follows the last is the next one", async () => {
  const [first, second, third] = await chain(3);
  const other = await signed(next(first!, { action: "boot" }));
  const onOther = await signed(next(other));
  assert.equal(codeOf(second!, after(first!)), "next");
  assert.equal(codeOf(first!, after(first!)), "replayed");
  assert.equal(codeOf(first!, after(first!, second!)), "replayed");
  assert.equal(codeOf(third!, after(first!)), "gap");
  assert.equal(codeOf(other, after(second!)), "fork");
  assert.equal(codeOf(onOther, after(second!)), "fork");
});

test("what a host missed is passed over when it is shown, whole and of one line", async () => {
  const [first, second, third, fourth] = await chain(4);
  const state = after(first!);
  const links = [second!, third!].map(linkOf);
  assert.equal(codeOf(fourth!, state, links), "next");
  assert.equal(codeOf(fourth!, state, links.toReversed()), "next");
  assert.equal(codeOf(fourth!, state, links.slice(0, 1)), "gap");
  assert.equal(codeOf(fourth!, state, links.slice(1)), "gap");
  const strayed = await signed(next(first!, { action: "test" }));
  const [from, to] = [await signed(next(strayed)), linkOf(strayed)];
  assert.equal(codeOf(await signed(next(from)), after(second!), [linkOf(from), to]), "fork");
});

test("links of another host, or with wrong numbers, lead nowhere", async () => {
  const [first] = await chain(1);
  const elsewhere = await signed(next(first!, { subject: { kind: "host", name: "db" } }));
  const jump = await signed(warrant({ seq: 4, prev: elsewhere.digest }));
  assert.equal(
    codeOf(await signed(warrant({ seq: 3, prev: elsewhere.digest })), after(first!), [linkOf(elsewhere)]),
    "fork",
  );
  assert.equal(codeOf(jump, after(first!), [linkOf(elsewhere)]), "fork");
});

test("a number that is left out is not bridged by the one before it", async () => {
  const [first, second] = await chain(2);
  const jump = await signed(warrant({ seq: 5, prev: second!.digest }));
  assert.equal(codeOf(jump, after(first!), [linkOf(second!)]), "fork");
});

test("an older order of a group does not undo a newer one of the host", async () => {
  const subject = { kind: "group", name: "edge" } as const;
  const held = await signed(warrant({ subject, notBefore: later(-3) }));
  const own = await signed(warrant({ notBefore: later(-2) }));
  assert.equal(codeOf(held, after(own)), "superseded");
  assert.equal(codeOf(own, after(held)), "next");
  const newer = await signed(warrant({ subject, notBefore: later(-1) }));
  assert.equal(codeOf(newer, after(own)), "next");
});

test("whatever is offered in whatever order, a sequence only moves forward, along one line", async () => {
  const line = await chain(5);
  const branch = [await signed(next(line[1]!, { action: "test" }))];
  branch.push(await signed(next(branch[0]!)));
  const all = [...line, ...branch];
  const links = all.map(linkOf);
  const offers = fc.array(fc.record({ one: fc.nat({ max: all.length - 1 }), shown: fc.boolean() }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(offers, (offered) => {
      let state = nothingAccepted;
      const accepted: WarrantEnvelope[] = [];
      for (const { one, shown } of offered) {
        const envelope = all[one]!;
        if (sequenceFault(envelope, shown ? links : [], state) !== null) continue;
        state = stateAfter(state, envelope.warrant, envelope.digest);
        accepted.push(envelope);
      }
      for (const [index, envelope] of accepted.entries())
        if (index > 0) assert.ok(envelope.warrant.seq > accepted[index - 1]!.warrant.seq);
      const lines = [line, [...line.slice(0, 2), ...branch]];
      assert.ok(lines.some((whole) => accepted.every((envelope) => whole.includes(envelope))));
      assert.equal(state.heads.get(sequenceOf(warrant().subject))?.digest, accepted.at(-1)?.digest);
    }),
  );
});
