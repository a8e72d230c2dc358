// Compiles src/, test/ and bench/ to dist/, and the programs into few files. What lies in dist/ without a source is
// removed first, so that no deleted test keeps running.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(top, "dist");

const bundled = join(dist, "src/program"); // has no sources of its own; bundle.mjs clears it
for (const entry of existsSync(dist) ? readdirSync(dist, { recursive: true, withFileTypes: true }) : []) {
  const output = join(entry.parentPath, entry.name);
  const source = join(top, relative(dist, output)).replace(/\.(d\.ts|js)$/, ".ts");
  if (
    !entry.parentPath.startsWith(bundled) &&
    entry.isFile() &&
    /\.(js|d\.ts)$/.test(entry.name) &&
    !existsSync(source)
  )
    rmSync(output);
}

const tsc = spawnSync(process.execPath, [join(top, "node_modules/typescript/bin/tsc"), "-p", top], {
  stdio: "inherit",
});
process.exitCode = tsc.status ?? 1;
if (tsc.status === 0) await import("./bundle.mjs");
