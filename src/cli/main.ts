import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { exitCodes } from "../core/exit.ts";
import { systemPorts } from "../system/ports.ts";
import { stderr } from "../system/streams.ts";
import { run } from "./run.ts";

const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

// For Node a program that waits for nothing any more has ended well, even when it never came to an answer.
process.exitCode = exitCodes.bug;

// No top-level await: the bundle is CommonJS. What this throws ends the program as any unhandled rejection does.
void main();

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    ...systemPorts(new URL("./worker.js", import.meta.url)),
    workingDirectory: process.cwd(),
    version: manifest.version,
    askpass: fileURLToPath(new URL("../../../bin/nixseal-askpass", import.meta.url)),
    agent: [process.execPath, fileURLToPath(new URL("../program/agent.js", import.meta.url))],
    stderr,
  });
}
