import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryStore } from "../../../test/support/test-store.ts";
import { ScriptedPort } from "../../../test/support/wire-port.ts";
import { Patience } from "./patience.ts";
import { serveStore } from "./serve-server.ts";
import { WireMessage } from "./wire-message.ts";

/** A clock that the test moves; `sleeping` counts the sleeps that are under way. */
class TestClock {
  readonly #sleeps: (() => void)[] = [];
  readonly asked: number[] = [];

  sleep(milliseconds: number): Promise<void> {
    this.asked.push(milliseconds);
    return new Promise((resolve) => this.#sleeps.push(resolve));
  }

  get sleeping(): number {
    return this.#sleeps.length;
  }

  async tick(times = 1): Promise<void> {
    for (let n = 0; n < times; n++) {
      this.#sleeps.shift()?.();
      await settled();
    }
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const never = () => new Promise<never>(() => undefined);

test("a side that does nothing is waited for so long and no longer", async () => {
  const clock = new TestClock();
  const waiting = new Patience(clock, { idle: 5000, waiting: 60_000 }).wait(never());
  const outcome = assert.rejects(waiting, { code: "timeout", message: /nothing for 5 s/ });
  await clock.tick(5);
  await outcome;
});

test("whatever comes starts the time anew, and waits that overlap share one sleep", async () => {
  const clock = new TestClock();
  const patience = new Patience(clock, { idle: 3000, waiting: 60_000 });
  let expired = false;
  const reading = patience.wait(never()).catch(() => (expired = true));
  for (let n = 0; n < 10; n++) {
    await clock.tick(2);
    await patience.wait(Promise.resolve());
    assert.equal(clock.sleeping, 1);
  }
  assert.equal(expired, false);
  await clock.tick(3);
  await reading;
  assert.equal(expired, true);
});

test("a side that sends one byte now and then is not waited for endlessly", async () => {
  const clock = new TestClock();
  const patience = new Patience(clock, { idle: 3000, waiting: 20_000 });
  let waits = 0;
  const outcome = assert.rejects(
    async () => {
      for (; ; waits++) {
        let come = (): void => undefined;
        const byte = patience.wait(new Promise<void>((resolve) => (come = resolve)));
        byte.catch(() => undefined);
        await clock.tick(2);
        come();
        await byte;
      }
    },
    { code: "timeout", message: /20 s in all/ },
  );
  await outcome;
  assert.equal(waits, 9);
});

test("the clock is left alone when nobody waits", async () => {
  const clock = new TestClock();
  const patience = new Patience(clock, { idle: 3000, waiting: 20_000 });
  await patience.wait(Promise.resolve());
  await clock.tick();
  assert.equal(clock.sleeping, 0);
});

test("an error of the work itself passes through", async () => {
  const patience = new Patience(new TestClock(), { idle: 3000, waiting: 20_000 });
  await assert.rejects(patience.wait(Promise.reject(new Error("gone"))), { message: "gone" });
});

test("a server gives up on a client that stops in the middle, and on one that takes no answer", async () => {
  const hello = new WireMessage().integer(0x390c9deb).integer(0x207).bytes;
  const serve = async (port: { read: ScriptedPort["read"]; write: ScriptedPort["write"] }) => {
    const clock = new TestClock();
    const limits = { idle: 2000 };
    const served = serveStore({ port, clock, store: new MemoryStore(), diagnose: () => undefined, limits });
    const outcome = assert.rejects(served, { code: "timeout" });
    await settled();
    await clock.tick(2);
    await outcome;
  };
  const said = new ScriptedPort([hello, new WireMessage().integer(1).bytes]);
  let pieces = 2;
  await serve({ read: () => (pieces-- > 0 ? said.read() : never()), write: (bytes) => said.write(bytes) });
  const deaf = new ScriptedPort([hello]);
  await serve({ read: () => deaf.read(), write: never });
});
