/** What is kept from run to run: accepted histories, accepted tips, time. Debian: git, openssh-client. */
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { History } from "../../../test/support/git-history.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { files } from "../../system/files.ts";
import { processes } from "../../system/processes.ts";
import { statementText } from "./approvals.ts";
import { refuseDowngrades, refuseFuture, requireCurrentRevocations } from "./descent.ts";
import { Frontier } from "./frontier.ts";
import { Memory } from "./memory.ts";
import type { ObjectId } from "./object-id.ts";
import { resolveRange } from "./range.ts";
import { openRepository } from "./repository.ts";
import { readSigners } from "./signers.ts";
import { verifyBySigners } from "./verify-by-signers.ts";
import { StateDirectory } from "../state-directory.ts";

const id = (digit: string) => digit.repeat(40) as ObjectId;
const warnings: string[] = [];
const emit = (event: { type: string; message?: string }) => void warnings.push(event.message ?? "");

async function open(home: string): Promise<StateDirectory> {
  const state = await StateDirectory.open(files, { get: (name) => (name === "HOME" ? home : undefined) });
  assert.ok(state !== null);
  return state;
}

test("a frontier knows what it was told, for its basis only", async (t) => {
  const state = await open(temporaryDirectory(t));
  await (await Frontier.open(state, { signers: "a" }, emit)).remember([id("1")], [id("2")], 7);
  const again = await Frontier.open(state, { signers: "a" }, emit);
  assert.equal(again.count([id("1")], [id("2")]), 7);
  assert.equal(again.count([id("1")], []), null);
  assert.deepEqual(again.accepted([id("2"), id("3")]), [id("1")]);
  // Accepted down to 2 says nothing about what 2 stands on.
  assert.deepEqual(again.accepted([]), []);
  assert.equal((await Frontier.open(state, { signers: "b" }, emit)).count([id("1")], [id("2")]), null);
});

test("a cache that others can write, or that is a link, or that is damaged, is not believed", async (t) => {
  const home = temporaryDirectory(t);
  const state = await open(home);
  await (await Frontier.open(state, {}, emit)).remember([id("1")], [], 7);
  const [name] = readdirSync(state.path);
  const file = join(state.path, name!);
  const known = async () => (await Frontier.open(state, {}, emit)).count([id("1")], []);
  assert.equal(await known(), 7);
  const content = readFileSync(file, "utf8");
  for (const break_ of [
    () => chmodSync(file, 0o620),
    () => chmodSync(state.path, 0o777),
    () => writeFileSync(file, content.slice(0, -2)),
    () => writeFileSync(file, content.replace(id("1"), "1")),
    () => writeFileSync(file, "null junk"),
    () => writeFileSync(file, '{"entries":{}}'),
  ]) {
    break_();
    assert.equal(await known(), null);
    chmodSync(file, 0o600);
    chmodSync(state.path, 0o700);
    writeFileSync(file, content);
    assert.equal(await known(), 7);
  }
  const elsewhere = join(home, "elsewhere");
  writeFileSync(elsewhere, content, { mode: 0o600 });
  await files.remove(file);
  symlinkSync(elsewhere, file);
  assert.equal(await known(), null);
});

test("any document in the cache's place is read or refused, never an exception", async (t) => {
  const state = await open(temporaryDirectory(t));
  await (await Frontier.open(state, {}, emit)).remember([id("1")], [], 7);
  const file = join(state.path, readdirSync(state.path)[0]!);
  await fc.assert(
    fc.asyncProperty(fc.json(), async (text) => {
      writeFileSync(file, text);
      assert.equal((await Frontier.open(state, {}, emit)).count([id("1")], []), null);
    }),
    { numRuns: 100 },
  );
});

test("remembered tips: forgetting nothing when two write at once; time never sinks", async (t) => {
  const state = await open(temporaryDirectory(t));
  const memory = new Memory(state, "x");
  await Promise.all(
    ["1", "2", "3", "4"].map((digit) =>
      memory.remember({ tips: new Map([[`refs/heads/${digit}ü`, id(digit)]]), time: 1000, krl: 5n }),
    ),
  );
  await memory.remember({ tips: new Map(), time: 10, krl: null });
  const { tips, time, krl } = await memory.read();
  assert.deepEqual([tips.size, time, krl], [4, 1000, 5n]);
  assert.equal((await new Memory(state, "y").read()).tips.size, 0);
  const file = join(
    state.path,
    readdirSync(state.path).find((name) => name.startsWith("tips-"))!,
  );
  chmodSync(file, 0o666);
  await assert.rejects(memory.read(), { code: "refused" });
  chmodSync(file, 0o600);
  writeFileSync(file, "{}");
  await assert.rejects(memory.read(), { code: "malformed" });
});

test("what was accepted is not judged again, but a tag of it is, and what is new on top", async (t) => {
  const history = new History(t);
  history.commit("good", { key: "alice" });
  const state = await open(temporaryDirectory(t));
  const repository = await openRepository(processes, files, history.directory);
  const list = await readSigners(history.line("alice", "alice"));
  let asked = 0;
  const ask = async (revision: string) => {
    const report = await verifyBySigners(
      {
        repository,
        range: await resolveRange(repository, [revision]),
        signers: async () => {
          asked += 1;
          return list;
        },
        root: null,
        now: new Date(),
        known: () => Frontier.open(state, {}, emit),
        remembers: false,
      },
      files,
      emit,
    );
    return [report.accepted, ...report.refused.map(({ code }) => code)];
  };
  assert.deepEqual(await ask("main"), [1]);
  assert.deepEqual([await ask("main"), asked], [[1], 1]);
  history.git(...history.signing("mallory"), "tag", "-s", "-m", "1", "v1");
  assert.deepEqual(await ask("v1"), [1, "unknown-signer"]);
  history.git(...history.signing("alice"), "tag", "-f", "-s", "-m", "1", "v1");
  assert.deepEqual(await ask("v1"), [1]);
  history.commit("evil", { key: "mallory" });
  assert.deepEqual(await ask("main"), [1, "unknown-signer"]);
  history.git("reset", "-q", "--hard", "HEAD~1");
  assert.deepEqual(await ask("main"), [1]);
});

test("a branch does not go back, unless a signer says so in a statement", async (t) => {
  const history = new History(t);
  const older = history.commit("older", { key: "alice" });
  const newer = history.commit("newer", { key: "alice" });
  const repository = await openRepository(processes, files, history.directory);
  const signers = await readSigners(history.line("alice", "alice"));
  const name = "refs/heads/main";
  const ask = (tip: ObjectId, last: ObjectId) =>
    refuseDowngrades(
      repository,
      [{ name, commit: tip }],
      { tips: new Map([[name, last]]), time: 0, krl: null },
      async () => ({ signers, threshold: 1 }),
      new Date(),
      emit,
    );
  assert.deepEqual(await ask(newer, older), []);
  assert.deepEqual(await ask(newer, newer), []);
  for (const last of [newer, id("7")])
    assert.deepEqual(
      (await ask(older, last)).map(({ code }) => code),
      ["not-descendant"],
    );
  const statement = { action: "go-back", from: newer, reference: name, to: older } as const;
  history.approve(older, statementText({ ...statement, reference: "refs/heads/other" }), "alice");
  history.approve(older, statementText(statement), "mallory");
  assert.equal((await ask(older, newer)).length, 1);
  history.approve(older, statementText(statement), "alice");
  assert.deepEqual(await ask(older, newer), []);
});

test("a commit from the future shows that a clock was set back", () => {
  const commit = { committed: 1_700_000_000 } as Parameters<typeof refuseFuture>[0];
  assert.equal(refuseFuture(commit, new Date(1_700_000_000_000 - 86_400_000)), null);
  assert.equal(refuseFuture(commit, new Date(1_700_000_000_000 - 86_400_001))?.code, "not-yet-valid");
});

test("a revocation list that is older than one already seen, or none", () => {
  const list = (version: bigint | null) => ({
    version,
    keys: new Set<never>(),
    sha1: new Set<string>(),
    certificates: [],
  });
  const seen = { tips: new Map(), time: 0, krl: 7n };
  for (const old of [undefined, list(null), list(6n)])
    assert.throws(() => requireCurrentRevocations(old, seen), { code: "refused" });
  for (const version of [7n, 8n]) requireCurrentRevocations(list(version), seen);
  requireCurrentRevocations(undefined, { ...seen, krl: null });
});
