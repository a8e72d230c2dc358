import assert from "node:assert/strict";
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
