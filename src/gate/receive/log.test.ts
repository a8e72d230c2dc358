import assert from "node:assert/strict";
import { test } from "node:test";
import type { Conversation } from "../../core/ports.ts";
import { journal } from "./log.ts";

/** logger(1) that notes what it is given; one that hangs takes nothing, and ends when it is killed only. */
function logger({ hangs }: { readonly hangs: boolean }) {
  const written: string[] = [];
  const never = new Promise<never>(() => undefined);
  const calls = { kills: 0 };
  const sleeps: { readonly milliseconds: number; readonly wake: () => void }[] = [];
  const child: Conversation = {
    write: (bytes) => (hangs ? never : Promise.resolve(void written.push(Buffer.from(bytes).toString()))),
    read: () => never,
    end: () => (hangs ? never : Promise.resolve({ code: 0, stdout: new Uint8Array(), stderr: "" })),
    kill: () => void calls.kills++,
  };
  const ports = {
    processes: { converse: () => child, pid: 7 },
    clock: {
      sleep: (milliseconds: number) => new Promise<void>((wake) => sleeps.push({ milliseconds, wake })),
    },
  };
  return { ...journal(ports, { member: "alice" }), written, calls, sleeps };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("lines that come within a moment are one write, in order, and the rest goes at the end", async () => {
  const { log, end, written, calls, sleeps } = logger({ hangs: false });
  log({ event: "received", path: "a" });
  log({ event: "imported", path: "a" });
  assert.deepEqual([written, sleeps.length], [[], 1]);
  sleeps[0]!.wake();
  await settle();
  const first =
    '{"event":"received","member":"alice","path":"a"}\n{"event":"imported","member":"alice","path":"a"}\n';
  assert.deepEqual(written, [first]);
  log({ event: "ended" });
  await end();
  assert.deepEqual(written, [first, '{"event":"ended","member":"alice"}\n']);
  sleeps[1]!.wake();
  await settle();
  assert.deepEqual([written.length, calls.kills], [2, 0], "nothing is written after the end");
});

test("a logger that hangs is ended, and waited for no longer", async () => {
  const { log, end, calls, sleeps } = logger({ hangs: true });
  log({ event: "received" });
  let ended = false;
  const ending = end().then(() => (ended = true));
  await settle();
  assert.equal(ended, false);
  sleeps.find(({ milliseconds }) => milliseconds > 1000)!.wake();
  await ending;
  assert.equal(calls.kills, 1);
});
