/**
 * What a forced command of sshd would run, over a store of test files: `protocol-server.js DIRECTORY
 * STORE-DIRECTORY`, with the client's command in SSH_ORIGINAL_COMMAND.
 */
import { NixsealError } from "../../src/core/errors.ts";
import { portOfStreams } from "../../src/nix/protocol/port.ts";
import { parseRemoteCommand } from "../../src/nix/protocol/remote-command.ts";
import { serveStore } from "../../src/nix/protocol/serve-server.ts";
import { serveWorker } from "../../src/nix/protocol/worker-server.ts";
import { clock } from "../../src/system/clock.ts";
import { streams } from "../../src/system/streams.ts";
import { DirectoryStore } from "./test-store.ts";

const [at = "", directory = ""] = process.argv.slice(2);
const store = new DirectoryStore(at, directory);
const port = portOfStreams(streams);
const diagnose = (line: string): void => void process.stderr.write(`gate: ${line}\n`);
try {
  const { command } = parseRemoteCommand(process.env["SSH_ORIGINAL_COMMAND"] ?? "", directory);
  if (command.verb === "serve") await serveStore({ port, clock, store, diagnose });
  else if (command.verb === "daemon") await serveWorker({ port, clock, store, software: "nixseal" });
  else diagnose(command.verb);
} catch (error) {
  if (!(error instanceof NixsealError)) throw error;
  diagnose(error.message);
  process.exitCode = 1;
}
