import { readFileSync } from "node:fs";
import { openIdentities } from "../secrets/install/open-identities.ts";
import { clock } from "../system/clock.ts";
import { environment } from "../system/environment.ts";
import { files } from "../system/files.ts";
import { processes } from "../system/processes.ts";
import { run } from "./run.ts";

// A reader that went away (`nixseal-agent … | head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? process.exitCode : 2);
});

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
  out: async (text) => void process.stdout.write(text),
  say: (text) => void process.stderr.write(text),
});
