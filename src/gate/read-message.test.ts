import assert from "node:assert/strict";
import { test } from "node:test";
import { inPieces } from "../../test/support/pieces.ts";
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

test("so many bytes after a line, read or not, and then the next line", async () => {
  const archive = "{\n\0}\n".repeat(50);
  for (const size of [1, 7, 1000])
    for (const read of [0, 1, Infinity]) {
      const lines = new MessageLines(inPieces(utf8(`first\n${archive}second\n`), size), clock);
      await lines.first();
      const parts: Uint8Array[] = [];
      const bytes = lines.enclosed(archive.length);
      if (read > 0)
        for await (const part of bytes) {
          parts.push(Uint8Array.from(part));
          if (parts.length === read) break;
        }
      if (read === Infinity) assert.deepEqual(Buffer.concat(parts), Buffer.from(archive));
      assert.deepEqual(await lines.next(), utf8("second\n"));
      assert.equal(await lines.next(), null);
    }
});

test("an end, or nothing more, within the bytes after a line", async () => {
  const all = async (bytes: AsyncIterable<Uint8Array>) => {
    for await (const part of bytes) assert.ok(part.length > 0);
  };
  for (const text of ["first\n", "first\n1234567"]) {
    const lines = new MessageLines(pieces(text), clock);
    await lines.first();
    await assert.rejects(all(lines.enclosed(8)), { code: "malformed" });
    await assert.rejects(lines.next(), { code: "malformed" });
  }
  const silent = async function* () {
    yield utf8("first\n1");
    await new Promise(() => undefined);
  };
  const lines = new MessageLines(silent(), clock);
  await lines.first();
  await assert.rejects(all(lines.enclosed(8)), { code: "timeout" });
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
