import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../core/bytes.ts";
import { messageLimits } from "./message-limits.ts";
import { formatMessage } from "./message.ts";
import { MessageLines, readMessageLine } from "./read-message.ts";

const clock = { sleep: (): Promise<void> => new Promise((resolve) => setImmediate(resolve)) };

async function* pieces(...texts: (string | Uint8Array)[]) {
  for (const one of texts) yield typeof one === "string" ? utf8(one) : one;
}

test("a line is read as soon as it is whole, in whatever pieces it comes", async () => {
  const line = formatMessage({ kind: "revert", fence: 3 });
  async function* open() {
    for (const byte of line) yield Uint8Array.of(byte);
    await new Promise(() => undefined); // the sender keeps its side open
  }
  assert.deepEqual(await readMessageLine(open(), clock), line);
});

test("on a connection for several, lines may come together", async () => {
  const lines = new MessageLines(pieces("first\n", "second\nthi", "rd\nfourth\n", "fif"), clock);
  for (const expected of ["first", "second", "third", "fourth"])
    assert.deepEqual(await lines.next(), utf8(`${expected}\n`));
  await assert.rejects(lines.next(), { code: "malformed" });
  const more = new Uint8Array(messageLimits.other + 1).fill(0x61);
  await assert.rejects(new MessageLines(pieces(more, "\n"), clock).next(), { code: "limit" });
});

test("half a line, two lines and endless ones are refused", async () => {
  await assert.rejects(readMessageLine(pieces('{"kind":"status"}'), clock), { code: "malformed" });
  await assert.rejects(readMessageLine(pieces("{}\n{}\n"), clock), { code: "malformed" });
  const piece = new Uint8Array(messageLimits.other).fill(0x61);
  await assert.rejects(readMessageLine(pieces(piece, "b\n"), clock), { code: "limit" });
  const offer = new Uint8Array(1 << 20).fill(0x20);
  const endless = async function* () {
    yield utf8('{"between":');
    for (;;) yield offer;
  };
  await assert.rejects(readMessageLine(endless(), clock), { code: "limit" });
});

test("a sender that stops is not waited for", async () => {
  const silent = async function* () {
    yield utf8("{");
    await new Promise(() => undefined);
  };
  await assert.rejects(readMessageLine(silent(), clock), { code: "timeout" });
});
