import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ledgerRecord, wholeLedger } from "../../../test/support/ledger.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { noon } from "../../../test/support/warrants.ts";
import { files } from "../../system/files.ts";
import { Recorder } from "./recorder.ts";

test("entries that are large are not gathered in memory: a path refers to as many others as its sender likes", async (context) => {
  const directory = join(temporaryDirectory(context), "ledger");
  const none = () => Promise.resolve([]);
  const recorder = new Recorder({ files, clock: { now: () => noon } }, directory, none);
  const {
    references: [reference],
    ...large
  } = ledgerRecord("large", { references: ["other"] });
  const references = Array.from(
    { length: 20_000 },
    (_, n) => `${reference}-${n}` as typeof reference & string,
  );
  for (let n = 0; n < 18; n++) await recorder.add({ ...large, references });
  assert.notEqual((await wholeLedger(directory)).entries.length, 0);
  await recorder.end();
  assert.equal((await wholeLedger(directory)).entries.length, 18);
});

test("what was begun and failed is not gathered without end", async (context) => {
  const directory = join(temporaryDirectory(context), "ledger");
  const none = () => Promise.resolve([]);
  const recorder = new Recorder({ files, clock: { now: () => noon } }, directory, none);
  const {
    references: [reference],
    ...large
  } = ledgerRecord("large", { references: ["other"] });
  const references = Array.from({ length: 9000 }, (_, n) => `${reference}-${n}` as typeof reference & string);
  const begun = async (): Promise<void> => {
    for (let n = 0; n < 100; n++)
      await recorder.begin({ ...large, path: `${large.path}-${n}` as typeof large.path, references });
  };
  await assert.rejects(begun(), { code: "limit" });
  // What a killed process leaves is taken in up to 64 MiB.
  for (const name of fs.readdirSync(directory))
    assert.ok(fs.statSync(join(directory, name)).size < 32 << 20, name);
  await recorder.end();
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => name.endsWith(".wal")),
    [],
  );
});
