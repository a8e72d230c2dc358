import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ledgerRecord, wholeLedger } from "../../../test/support/ledger.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { noon, pathOf } from "../../../test/support/warrants.ts";
import { NixsealError } from "../../core/errors.ts";
import type { LogFile } from "../../core/file-ports.ts";
import { files } from "../../system/files.ts";
import { Recorder, type RecorderPorts } from "../import/recorder.ts";
import type { LedgerEntry } from "./entry.ts";
import { startOf } from "./process-start.ts";
import { takeIn, type AreInStore } from "./take-in.ts";
import { WriteAhead } from "./write-ahead.ts";

const clock = { now: () => noon };
const none: AreInStore = async () => [];
const entry = (name: string, fields: object = {}): LedgerEntry => ({
  ...ledgerRecord(name),
  time: noon,
  ...fields,
});

function ledger(t: TestContext): string {
  return join(temporaryDirectory(t), "ledger");
}

const waiting = (directory: string): string[] =>
  fs.readdirSync(directory).filter((name) => name.endsWith(".wal"));

/** As if this process had been another one, which has ended. */
function end(directory: string): void {
  for (const [n, name] of waiting(directory).entries())
    fs.renameSync(join(directory, name), join(directory, name.replace(/-\d+-\d+\.wal$/, `-1-${n + 1}.wal`)));
}

async function names(directory: string): Promise<string[]> {
  const { entries, faults } = await wholeLedger(directory);
  assert.deepEqual(faults, []);
  return entries.map(({ path }) => path.slice(44));
}

/** A file with these lines, of a process that has ended. */
async function left(directory: string, ...lines: ["begun" | "entry", LedgerEntry][]): Promise<string> {
  const ahead = new WriteAhead(files, directory);
  for (const [kind, one] of lines) await ahead.write(kind, one);
  end(directory);
  return join(directory, waiting(directory)[0]!);
}

class Killed extends Error {}

/** The file port of a process that is killed before its `last`-th step that changes anything. */
function mortal(last: number): { files: RecorderPorts["files"]; step: () => void } {
  let steps = 0;
  const step = (): void => {
    if (++steps > last) throw new Killed();
  };
  const log = (file: LogFile): LogFile => ({
    append: async (bytes) => (step(), file.append(bytes)),
    close: () => file.close(),
  });
  return {
    step,
    files: {
      ...files,
      createLog: async (path, options) => (step(), log(await files.createLog(path, options))),
      append: async (path, bytes) => (step(), files.append(path, bytes)),
      writeAtomic: async (path, bytes, options) => (step(), files.writeAtomic(path, bytes, options)),
      makeDirectory: async (path, options) => (step(), files.makeDirectory(path, options)),
      remove: async (path) => (step(), files.remove(path)),
    },
  };
}

test("killed between any two steps: what the store has is in the ledger once, what was answered is in the store", async (t) => {
  const all = ["a-1", "b-1", "c-1"];
  for (let last = 0, done = 0; done < 2; last++) {
    const directory = join(ledger(t), String(last));
    const collected = last % 2 === 1; // whatever the store had is gone when somebody comes to take it in
    const store = new Set<string>();
    const answered: string[] = [];
    const areInStore: AreInStore = async (entries) =>
      entries.filter(({ path }) => store.has(path) && !collected);
    const { files: dying, step } = mortal(last >> 1);
    let now = noon.getTime();
    const ports = { files: dying, clock: { now: () => new Date((now += 600)) } };
    const recorder = new Recorder(ports, directory, areInStore);
    try {
      for (const name of all) {
        await recorder.begin(ledgerRecord(name));
        step();
        store.add(pathOf(name));
        step();
        await recorder.add(ledgerRecord(name));
        answered.push(name);
      }
      await recorder.end();
      done++;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      await recorder.end().catch(() => undefined); // what was under way meets its end too
    }
    fs.mkdirSync(directory, { recursive: true });
    end(directory);
    // And whoever takes it in is killed at any step as well.
    for (let more = 0, taken = false; !taken; more++)
      try {
        await takeIn({ files: mortal(more).files, clock }, directory, areInStore);
        taken = true;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    const found = await names(directory);
    assert.deepEqual(
      found.toSorted(),
      all.filter((name) => (collected ? answered.includes(name) : store.has(pathOf(name)))),
      `step ${last}`,
    );
    for (const name of answered) assert.ok(found.includes(name), `step ${last}: ${name}`);
    assert.deepEqual(waiting(directory), []);
  }
});

test("a file of a process that runs is left to it; readers say that it is there", async (t) => {
  const directory = ledger(t);
  const ahead = new WriteAhead(files, directory);
  await ahead.write("entry", entry("a-1"));
  assert.deepEqual(await takeIn({ files, clock }, directory, none), []);
  const { entries, faults } = await wholeLedger(directory);
  assert.deepEqual(entries, []);
  assert.deepEqual(
    faults.map(({ kind, file }) => [kind, file]),
    [["waiting", join(directory, waiting(directory)[0]!)]],
  );
  assert.equal(fs.statSync(faults[0]!.file).mode & 0o7777, 0o600);
  await ahead.turn()();
  assert.deepEqual(waiting(directory), []);
});

test("what is in doubt is asked, and not written when somebody sent it again", async (t) => {
  const directory = ledger(t);
  await left(directory, ["begun", entry("there-1")], ["begun", entry("not-1")], ["begun", entry("again-1")]);
  const other = new Recorder({ files, clock }, directory, async (entries) =>
    entries.filter(({ path }) => path !== pathOf("not-1")),
  );
  await other.begin(ledgerRecord("again-1"));
  await other.add(ledgerRecord("again-1"));
  await other.end();
  assert.deepEqual(await names(directory), ["again-1", "there-1"]);
  // What the ledger says of another time, or of other content, is no answer.
  const later = new Date(noon.getTime() + 60_000);
  await left(
    directory,
    ["begun", entry("there-1", { time: later })],
    ["begun", entry("again-1", { narHash: ledgerRecord("other-1").narHash })],
  );
  await takeIn({ files, clock }, directory, async (entries) => entries);
  assert.deepEqual(await names(directory), ["again-1", "there-1", "there-1", "again-1"]);
});

test("two take it in at once, of a process whose clock was put back meanwhile: each entry once", async (t) => {
  const directory = ledger(t);
  const later = new Date(noon.getTime() + 60_000);
  await left(
    directory,
    ["begun", entry("a-1", { time: later })],
    ["entry", entry("a-1")],
    ["begun", entry("b-1")],
  );
  const both = [1, 2].map(() => takeIn({ files, clock }, directory, async (entries) => entries));
  assert.deepEqual(await Promise.all(both), [[], []]);
  assert.deepEqual(await names(directory), ["a-1", "b-1"]);
});

test("when Nix cannot be asked the file stays, and says what is in the ledger already no second time", async (t) => {
  const directory = ledger(t);
  await left(directory, ["entry", entry("a-1")], ["begun", entry("b-1")]);
  const [notice] = await takeIn({ files, clock }, directory, () =>
    files.read("/nowhere", { limit: 1 }).then(() => []),
  );
  assert.match(notice!, /-1-1\.wal is not taken into the ledger: no such file/);
  assert.equal(waiting(directory).length, 1);
  await takeIn({ files, clock }, directory, none);
  assert.deepEqual(await names(directory), ["a-1"]);
});

test("a last line that was cut off is no entry, one that is damaged is said, the others count", async (t) => {
  const directory = ledger(t);
  const file = await left(
    directory,
    ["entry", entry("a-1")],
    ["entry", entry("b-1")],
    ["entry", entry("c-1")],
  );
  const [one, two, three] = fs.readFileSync(file, "utf8").split("\n");
  fs.writeFileSync(file, `${one}\n${two!.replace("added", "adapted")}\n${three!.slice(0, -1)}`);
  assert.deepEqual(await takeIn({ files, clock }, directory, none), [`${file}:2: this is no entry`]);
  assert.deepEqual(await names(directory), ["a-1"]);
});

test("links, directories, another's and endless files are refused, said, and left; the rest is taken in", async (t) => {
  const directory = ledger(t);
  const file = await left(directory, ["entry", entry("a-1")]);
  const place = (n: number): string => join(directory, `00000001-1-1-${n}.wal`);
  fs.copyFileSync(file, join(directory, "elsewhere"));
  fs.symlinkSync("elsewhere", place(91));
  fs.mkdirSync(place(92));
  fs.copyFileSync(file, place(93));
  fs.chownSync(place(93), 1234, 0);
  fs.copyFileSync(file, place(94));
  fs.truncateSync(place(94), (64 << 20) + 1);
  const notices = await takeIn({ files, clock }, directory, none);
  assert.deepEqual(
    notices.map((notice) => notice.replace(/^.*: /, "")),
    [
      "it is not a regular file",
      "it is not a regular file",
      "it belongs to uid 1234",
      "it has 67108865 bytes",
    ],
  );
  assert.equal(waiting(directory).length, 4);
  const { entries } = await wholeLedger(directory);
  assert.equal(entries.length, 1);
});

test("what failed before it came in does not make the file grow for ever", async (t) => {
  const directory = ledger(t);
  const recorder = new Recorder({ files, clock }, directory, none);
  const references = Array.from({ length: 6000 }, (_, i) => `reference-${i}`);
  const one = ledgerRecord("failing", { references });
  for (let n = 0; n < 60; n++) {
    await recorder.begin(one);
    for (const name of waiting(directory)) {
      // One that was done with goes meanwhile.
      const size = fs.statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
      assert.ok(size < 17 << 20, `${n}: ${size}`);
    }
  }
  await recorder.end();
  assert.deepEqual(waiting(directory), []);
  assert.deepEqual(await names(directory), []);
});

test("a line for which the disk had no room spoils no other", async (t) => {
  const directory = ledger(t);
  let full = false;
  const createLog: typeof files.createLog = async (path, options) => {
    const log = await files.createLog(path, options);
    const append: LogFile["append"] = async (bytes) => {
      await log.append(full ? bytes.subarray(0, 20) : bytes);
      if (full) throw new NixsealError("io", "no space left on device");
    };
    return { ...log, append };
  };
  const ahead = new WriteAhead({ ...files, createLog }, directory);
  await ahead.write("entry", entry("before-1"));
  full = true;
  await assert.rejects(ahead.write("begun", entry("full-1")), { code: "io" });
  full = false;
  await ahead.write("entry", entry("after-1"));
  end(directory); // killed
  const notices = await takeIn({ files, clock }, directory, none);
  assert.match(notices.join(), /:2: this is no entry$/);
  assert.deepEqual(await names(directory), ["before-1", "after-1"]);
});

test("what Nix is at work on while others are written goes along into the next file", async (t) => {
  const directory = ledger(t);
  const recorder = new Recorder({ files, clock }, directory, none);
  await recorder.begin(ledgerRecord("slow-1"));
  for (let n = 0; n < 400; n++) {
    await recorder.begin(ledgerRecord(`quick-${n}`));
    await recorder.add(ledgerRecord(`quick-${n}`));
  }
  await new Promise((resolve) => setTimeout(resolve, 200)); // a batch is on its way
  assert.ok((await wholeLedger(directory)).entries.length >= 256);
  // Killed now.
  const other = ledger(t);
  fs.cpSync(directory, other, { recursive: true });
  end(other);
  await takeIn({ files, clock }, other, async (entries) => entries);
  assert.equal((await names(other)).filter((name) => name === "slow-1").length, 1);
  assert.equal((await names(other)).length, 401);
  // Or not.
  await recorder.add(ledgerRecord("slow-1"));
  await recorder.end();
  assert.equal((await names(directory)).length, 401);
  assert.deepEqual(waiting(directory), []);
});

test("of what failed it is asked in the end whether it came in; where nobody says, its line stays", async (t) => {
  const directory = ledger(t);
  const asked = async (areInStore: AreInStore): Promise<readonly string[]> => {
    const recorder = new Recorder({ files, clock }, directory, areInStore);
    await recorder.begin(ledgerRecord("there-1"));
    await recorder.begin(ledgerRecord("not-1"));
    return recorder.end();
  };
  assert.deepEqual(await asked(async (all) => all.filter(({ path }) => path === pathOf("there-1"))), []);
  assert.deepEqual(await names(directory), ["there-1"]);
  assert.deepEqual(waiting(directory), []);
  const notices = await asked(() => files.read("/nowhere", { limit: 1 }).then(() => []));
  assert.match(notices.join(), /\.wal is not taken into the ledger: no such file/);
  assert.equal(waiting(directory).length, 1);
  end(directory);
  const later = { now: () => new Date(noon.getTime() + 1) };
  await takeIn({ files, clock: later }, directory, async (all) => all);
  assert.deepEqual((await names(directory)).toSorted(), ["not-1", "there-1"]);
});

test("a process is known by its pid and start; one of which only the exit code is left has ended", async () => {
  const own = await startOf(files, "self");
  assert.deepEqual(own, await startOf(files, String(process.pid)));
  assert.equal(own!.pid, String(process.pid));
  assert.match(own!.start, /^[0-9]+$/);
  assert.equal(await startOf(files, "4194305"), null, "higher than any pid");
  // Nobody waits for the first child: the shell has become another program.
  const child = spawn("sh", ["-c", "sleep 60 & echo $!; exec cat"]);
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const pid = line.toString().trim();
    child.stdin.write("cat\n");
    await once(child.stdout, "data");
    assert.notEqual(await startOf(files, pid), null);
    process.kill(Number(pid), "SIGKILL");
    for (let n = 0; n < 1e6 && (await startOf(files, pid)) !== null; n++);
    assert.equal(await startOf(files, pid), null);
    assert.ok(fs.existsSync(`/proc/${pid}`));
  } finally {
    child.kill("SIGKILL");
  }
});
