import { readFileSync } from "node:fs";
import { utf8 } from "../core/bytes.ts";
import { readerLeft } from "../core/errors.ts";
import { openIdentities } from "../secrets/install/open-identities.ts";
import { clock } from "../system/clock.ts";
import { environment } from "../system/environment.ts";
import { files } from "../system/files.ts";
import { http } from "../system/http.ts";
import { processes } from "../system/processes.ts";
import { streams } from "../system/streams.ts";
import { run } from "./run.ts";

// Whoever writes to stdout is told of a failure and decides. What stderr does not take, nobody can be told.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

process.exitCode = await run(process.argv.slice(2), {
  clock,
  environment,
  files,
  http,
  processes,
  version,
  openIdentities,
  out: async (text) => {
    try {
      await streams.stdout(utf8(text));
    } catch (error) {
      if (!readerLeft(error)) throw error; // what was done counts, not who watched
    }
  },
  say: (text) => void process.stderr.write(text),
});
