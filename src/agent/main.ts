import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { utf8 } from "../core/bytes.ts";
import { readerLeft } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { clock } from "../system/clock.ts";
import { environment } from "../system/environment.ts";
import { files } from "../system/files.ts";
import { downloads, http, uploads } from "../system/http.ts";
import { person } from "../system/person.ts";
import { processes } from "../system/processes.ts";
import { random } from "../system/random.ts";
import { sockets } from "../system/sockets.ts";
import { leaveStdin, stderr, streams } from "../system/streams.ts";
import { run } from "./run.ts";

// sudo(8) without secure_path keeps the sender's PATH: root would start what lies there under the name of a tool.
if (process.env["SUDO_UID"] !== undefined)
  process.env["PATH"] =
    "/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nix/var/nix/profiles/default/bin";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// For Node a program that waits for nothing any more has ended well, even when it never came to an answer.
process.exitCode = exitCodes.bug;

// No top-level await: the bundle is CommonJS. What this throws ends the program as any unhandled rejection does.
void main();

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    clock,
    environment,
    files,
    http,
    processes,
    random,
    sockets,
    downloads,
    uploads,
    streams,
    person,
    version,
    program: [process.execPath, fileURLToPath(import.meta.url)],
    verifier: [process.execPath, fileURLToPath(new URL("../../../bin/nixseal", import.meta.url))],
    openIdentities: async (keys) =>
      (await import("../secrets/install/open-identities.ts")).openIdentities(keys),
    out: async (text) => {
      try {
        await streams.stdout(utf8(text));
      } catch (error) {
        if (!readerLeft(error)) throw error; // what was done counts, not who watched
      }
    },
    say: stderr.write,
  });

  // A sender who keeps its side open must not keep us: what was to be read has been read, or was refused.
  leaveStdin();
  // Nor one who does not read what is told.
  setTimeout(() => process.exit(), 10_000).unref();
}
