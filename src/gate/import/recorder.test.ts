import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ledgerRecord, wholeLedger } from "../../../test/support/ledger.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { noon } from "../../../test/support/warrants.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { files } from "../../system/files.ts";
import { Recorder } from "./recorder.ts";

/** A recorder, and a record that refers to so many paths. */
function large(context: TestContext, count: number) {
  const directory = join(temporaryDirectory(context), "ledger");
  const recorder = new Recorder({ files, clock: { now: () => noon } }, directory, () => Promise.resolve([]));
  const one = ledgerRecord("large", { references: ["other"] });
  const references = Array.from({ length: count }, (_, n) => `${one.references[0]!}-${n}` as StorePath);
  return { directory, recorder, record: { ...one, references } };
}

test("entries that are large are not gathered in memory: a path refers to as many others as its sender likes", async (context) => {
  const { directory, recorder, record } = large(context, 20_000);
  for (let n = 0; n < 18; n++) await recorder.add(record);
  assert.notEqual((await wholeLedger(directory)).entries.length, 0);
  await recorder.end();
  assert.equal((await wholeLedger(directory)).entries.length, 18);
});

test("what was begun and failed is not gathered without end", async (context) => {
  const { directory, recorder, record } = large(context, 9000);
  const begun = async (): Promise<void> => {
    for (let n = 0; n < 100; n++)
      await recorder.begin({ ...record, path: `${record.path}-${n}` as StorePath });
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
