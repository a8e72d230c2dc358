/** A process that records one path after the other and says so: `ledger-writer DIRECTORY NAME COUNT`. */
import { record } from "../../src/gate/ledger/record.ts";
import { clock } from "../../src/system/clock.ts";
import { files } from "../../src/system/files.ts";
import { ledgerRecord } from "./ledger.ts";

const [directory, name, count] = process.argv.slice(2);
for (let i = 0; i < Number(count); i += 1) {
  await record({ files, clock }, directory!, [ledgerRecord(`${name!}-${i}`)]);
  process.stdout.write(".");
}
