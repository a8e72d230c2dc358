import { readFileSync } from "node:fs";
import { openIdentities } from "../secrets/install/open-identities.ts";
import { clock } from "../system/clock.ts";
import { environment } from "../system/environment.ts";
import { files } from "../system/files.ts";
import { processes } from "../system/processes.ts";
import { run } from "./run.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

process.exitCode = await run(process.argv.slice(2), {
  clock,
  environment,
  files,
  processes,
  version,
  openIdentities,
  // Synchronous writes to a pipe or a file; a reader that went away ends the program by SIGPIPE's error, not ours.
  out: async (text) => void process.stdout.write(text),
  say: (text) => void process.stderr.write(text),
});
