/** Takes half of an archive into a quarantine and waits: to be killed there. `slow-upload.js DIRECTORY MEMBER`, `-` for no member. */
import { Quarantine } from "../../src/gate/quarantine/quarantine.ts";
import { files } from "../../src/system/files.ts";
import { processes } from "../../src/system/processes.ts";
import { random } from "../../src/system/random.ts";
import { pathWithNar } from "./protocol-paths.ts";

const [directory = "", member = "-"] = process.argv.slice(2);
const limits = { bytes: 1 << 30, entries: 1000, reserve: 0 };
const quarantine = new Quarantine({ files, random, processes }, directory, limits);
const { info } = pathWithNar("large");

async function* half() {
  yield new Uint8Array(1 << 20);
  process.stdout.write("half\n");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

await quarantine.receive({ ...info, narSize: 2 << 20 }, half(), member === "-" ? null : member);
