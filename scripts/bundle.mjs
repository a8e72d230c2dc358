// Puts nixseal-agent into one file, in place of the entry that tsc wrote: Node takes some 50 ms to load its seventy
// modules one by one, at every boot and switch. Built from the sources, since tsc leaves an entry alone that did not
// change. Without this step the program is the same, only slower.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const top = dirname(dirname(fileURLToPath(import.meta.url)));

await build({
  entryPoints: [join(top, "src/agent/main.ts")],
  outfile: join(top, "dist/src/agent/main.js"),
  bundle: true,
  packages: "external", // loaded lazily, by the few that need them
  platform: "node",
  target: "node20",
  format: "esm",
  legalComments: "none",
  logLevel: "warning",
});
