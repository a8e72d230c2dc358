import { readFileSync } from "node:fs";
import { systemPorts } from "../system/ports.ts";
import { run } from "./run.ts";

// A reader that went away (`nixseal … | head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 2);
});

const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

process.exitCode = await run(process.argv.slice(2), {
  ...systemPorts(new URL("./worker.js", import.meta.url)),
  workingDirectory: process.cwd(),
  version: manifest.version,
  stderr: { write: (text) => void process.stderr.write(text), terminal: process.stderr.isTTY ?? false },
});
