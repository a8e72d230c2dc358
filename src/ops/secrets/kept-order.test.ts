import assert from "node:assert/strict";
import { test } from "node:test";
import type { SecretsOrder } from "../../gate/secrets/order.ts";
import { checkKept, type Expected } from "./kept-order.ts";

const [old, now, future] = ["a", "b", "c"].map((letter) => letter.repeat(64)) as [string, string, string];
const at = (minutes: number): Date => new Date(Date.UTC(2026, 10, 22, 7, minutes));
const order: SecretsOrder = {
  v: 1,
  fleet: "f",
  host: "web",
  seq: 8,
  notBefore: at(0),
  expires: at(60),
  values: [{ name: "db", digest: now, replaces: [old] }],
};
const expected: Expected = {
  fleet: "f",
  host: "web",
  seq: 7,
  now: at(10),
  holds: 3600,
  former: () => Promise.resolve([old]),
};

test("of an order in a file nothing is signed but what one would have ordered now oneself", async () => {
  await checkKept(order, expected);
  const refuses = (why: RegExp, change: Partial<SecretsOrder>) =>
    assert.rejects(checkKept({ ...order, ...change }, expected), { code: "refused", message: why });
  await refuses(/for db of/, { host: "db" });
  await refuses(/for web of the fleet 'g'/, { fleet: "g" });
  await refuses(/has ended/, { expires: at(10) });
  // Kept back, it would bring these values back in years, also after a million other orders.
  await refuses(/holds until 2099/, { expires: new Date("2099-01-01T00:00:00Z") });
  await refuses(/number 1000000, and 8 is the next/, { seq: 1_000_000 });
  await refuses(/number 7/, { seq: 7 });
  // The next system's value, which would never count.
  await refuses(/replaces a value of 'db'/, {
    values: [{ name: "db", digest: now, replaces: [old, future] }],
  });
});
