import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { MemoryGate, refusal } from "../../../test/support/memory-gate.ts";
import { inPieces } from "../../../test/support/pieces.ts";
import { pathWithNar } from "../../../test/support/protocol-paths.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { sameBytes } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { Field } from "../../nix/json-fields.ts";
import { clock } from "../../system/clock.ts";
import { mostAhead } from "../message-limits.ts";
import { parseMessage } from "../message.ts";
import { ImportQueue } from "./import-queue.ts";

/** A root side that answers one message after another, and refuses some once for want of the archive. */
async function imported(
  context: Parameters<typeof temporaryDirectory>[0],
  contents: readonly string[],
  lost: readonly number[] = [],
  chained = false,
  isEnclosed: (n: number) => boolean = () => false,
) {
  const { quarantine } = new MemoryGate(temporaryDirectory(context), {});
  await quarantine.prepare();
  const paths = contents.map((content, n) =>
    pathWithNar(`path-${n}`, { type: "regular", executable: false, content: Buffer.from(content) }),
  );
  const failing = new Set<string>(lost.map((n) => paths[n]!.info.path));
  const inbox: { readonly path: string; readonly enclosed: Uint8Array | undefined }[] = [];
  const done: string[] = [];
  const ahead: number[] = [];
  const queue = new ImportQueue({
    quarantine,
    clock,
    done: ({ path }) => done.push(path),
    connect: async () => ({
      send: async (bytes, enclosed) => {
        const message = parseMessage(bytes, "/nix/store");
        if (message.kind !== "import") return;
        assert.equal(message.bytes, enclosed?.length ?? null);
        inbox.push({ path: message.path, enclosed });
      },
      next: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        ahead.push(inbox.length);
        const { path, enclosed } = inbox.shift()!;
        // Read as late as can be: its memory is not another's before the answer.
        const { nar } = paths.find(({ info }) => info.path === path)!;
        if (enclosed !== undefined) assert.ok(sameBytes(enclosed, nar));
        const text = failing.delete(path)
          ? refusal("not-found", "no such file")
          : canonicalJson({ kind: "result", ok: true, outcome: "added" });
        return { text, fields: Field.parse(text, "answer"), isResult: true };
      },
      close: () => inbox.splice(0),
    }),
  });
  for (const [n, { info: alone, nar }] of paths.entries()) {
    const info = { ...alone, references: chained && n > 0 ? [paths[n - 1]!.info.path] : [] };
    const order = { kind: "import", bytes: null, path: info.path, uploader: null } as const;
    if (isEnclosed(n)) {
      const memory = queue.memory.take(nar.length);
      memory.set(nar);
      await queue.add({ info, file: null }, { ...order, bytes: nar.length }, memory);
    } else void queue.add(await quarantine.receive(info, inPieces(nar), null), order);
  }
  await queue.settle();
  await queue.end();
  assert.deepEqual(
    done,
    paths.map(({ info }) => info.path),
  );
  return ahead;
}

const twenty = Array.from({ length: 20 }, (_, n) => `content ${n}`);

test("one message first, then some ahead of their answers, in order", async (context) => {
  const many = Array.from({ length: 3 * mostAhead }, (_, n) => `content ${n}`);
  const ahead = await imported(context, many);
  assert.equal(ahead[0], 1);
  assert.equal(Math.max(...ahead), mostAhead, ahead.join(" "));
});

test("after one whose archive is gone, what was sent after it is sent again, and each comes in once", async (context) => {
  for (const lost of [[0], [1], [5, 6], [19], [2, 3, 11]]) await imported(context, twenty, lost);
});

test("what refers to one that is not answered is not sent: a planted path would be in use by it", async (context) => {
  const ahead = await imported(context, twenty, [3], true);
  assert.deepEqual(new Set(ahead), new Set([1]));
});

test("paths with the same content do not take each other's archive away for good", async (context) => {
  await imported(
    context,
    twenty.map(() => "the same"),
  );
});

test("archives that go with their messages, between others: in order, and memory is used again only when it is free", async (context) => {
  const contents = Array.from({ length: 40 }, (_, n) => `${n}`.repeat(n % 3 === 0 ? 10 : 400_000));
  for (const isEnclosed of [() => true, (n: number) => n % 4 !== 1])
    for (const lost of [[], [1, 5, 9]])
      await imported(context, contents, isEnclosed(1) ? [] : lost, false, isEnclosed);
  const ahead = await imported(context, contents, [], true, () => true);
  assert.deepEqual(new Set(ahead), new Set([1]));
});

/** Paths in the order of their letters: `i` to be imported, with its archive, `w` in the store already. What happens is the answer. */
async function queued(
  context: Parameters<typeof temporaryDirectory>[0],
  letters: string,
  answerTo: (n: number, asked: number) => "ok" | "refused" | "gone",
) {
  const { quarantine } = new MemoryGate(temporaryDirectory(context), {});
  await quarantine.prepare();
  const paths = Array.from(letters, (_, n) =>
    pathWithNar(`path-${n}`, { type: "regular", executable: false, content: Buffer.from(`${n}`) }),
  );
  const asked = paths.map(() => 0);
  const [done, failed]: [string[], string[]] = [[], []];
  let ahead = 0;
  const queue = new ImportQueue({
    quarantine,
    clock,
    done: ({ path }) => done.push(path),
    connect: async () => {
      const inbox: number[] = [];
      return {
        send: async (bytes) => {
          const message = parseMessage(bytes, "/nix/store");
          if (message.kind !== "import" && message.kind !== "witness") throw new Error(message.kind);
          const n = paths.findIndex(({ info }) => info.path === message.path);
          assert.equal(message.kind, letters[n] === "w" ? "witness" : "import");
          inbox.push(n);
        },
        next: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          ahead = Math.max(ahead, inbox.length);
          const n = inbox.shift()!;
          const answer = answerTo(n, ++asked[n]!);
          if (answer === "gone") return null;
          const text =
            answer === "ok"
              ? canonicalJson({ kind: "result", ok: true, outcome: "added" })
              : refusal("refused", "no");
          return { text, fields: Field.parse(text, "answer"), isResult: true };
        },
        close: () => undefined,
      };
    },
  });
  for (const [n, { info, nar }] of paths.entries()) {
    const references = n > 0 ? [paths[n - 1]!.info.path] : [];
    const one = { ...info, references };
    if (letters[n] === "w")
      await queue.witness(one, null, (path, why) => failed.push(`${path}: ${why.message}`));
    else
      await queue.add(
        { info: one, file: null },
        { kind: "import", bytes: nar.length, path: info.path, uploader: null },
        nar,
      );
    assert.equal(queue.has(info.path), letters[n] === "i", "what is in the store waits for nothing");
  }
  const error = await queue.end().then(
    () => null,
    (thrown: Error) => thrown.message,
  );
  const names = (list: readonly string[]): string =>
    list.map((one) => one.replace(/.*-path-([0-9]+)/, "$1")).join(" ");
  return { done: names(done), failed: names(failed), error, asked, ahead };
}

test("a path in the store is seen in its turn, and its failure is told and stops nothing", async (context) => {
  const { ahead, ...all } = await queued(context, "wiwwi", () => "ok");
  assert.ok(ahead > 1, "nothing waits for it");
  assert.deepEqual(all, { done: "1 4", failed: "", error: null, asked: [1, 1, 1, 1, 1] });
  const refused = await queued(context, "iwiwi", (n) => (n % 2 === 1 ? "refused" : "ok"));
  assert.deepEqual([refused.done, refused.failed, refused.error], ["0 2 4", "1: no 3: no", null]);
  // The connection ends: what was sent after it is sent again over another.
  const broken = await queued(context, "wwiwi", (n, asked) => (n === 1 && asked === 1 ? "gone" : "ok"));
  assert.deepEqual([broken.done, broken.error], ["2 4", null]);
  assert.match(broken.failed, /^1: the root side of the gate gave no answer$/);
  // An import that fails stops what comes in, and not what is in.
  const stopped = await queued(context, "iwiw", (n) => (n === 0 ? "refused" : "ok"));
  assert.match(stopped.error!, /path-0 was received and not imported: no/);
  assert.deepEqual([stopped.done, stopped.failed, stopped.asked], ["", "", [1, 1, 0, 1]]);
});

test("an archive is taken away though a path with the same content is still to be seen", async (context) => {
  const directory = temporaryDirectory(context);
  const { quarantine, queue, witnessed, kept, rootSays } = new MemoryGate(directory, {});
  await quarantine.prepare();
  const [one, other] = ["one", "other"].map((name) => pathWithNar(name));
  rootSays.push(canonicalJson({ kind: "result", ok: true, outcome: "added" }), refusal("not-new", "no"));
  const order = { kind: "import", bytes: null, path: one!.info.path, uploader: null } as const;
  const arrived = await quarantine.receive(one!.info, inPieces(one!.nar), null);
  const failed: string[] = [];
  await Promise.all([
    queue.add(arrived, order),
    queue.witness(other!.info, null, (path) => failed.push(path)),
  ]);
  await queue.end();
  assert.deepEqual([failed, witnessed, kept], [[other!.info.path], [], []]);
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => name.endsWith(".nar")),
    [],
  );
});

test("what waits behind one that failed stays out, also when that was told meanwhile", async (context) => {
  const { quarantine, queue, kept, rootSays } = new MemoryGate(temporaryDirectory(context), {});
  await quarantine.prepare();
  rootSays.push(refusal("refused", "no"));
  const paths = ["one", "two", "three"].map((name) => pathWithNar(name));
  const adding = paths.map(async ({ info: alone, nar }) => {
    const info = { ...alone, references: alone === paths[0]!.info ? [] : [paths[0]!.info.path] };
    const arrived = await quarantine.receive(info, inPieces(nar), null);
    await queue.add(arrived, { kind: "import", bytes: null, path: info.path, uploader: null });
  });
  await Promise.all(adding);
  const said: string[] = [];
  while (paths.some(({ info }) => queue.has(info.path))) {
    try {
      queue.check();
    } catch (error) {
      said.push((error as Error).message);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await queue.end().catch((error: Error) => said.push(error.message));
  assert.match(said[0]!, /one was received and not imported: no$/);
  assert.deepEqual(kept, [], "neither came to the root side");
});
