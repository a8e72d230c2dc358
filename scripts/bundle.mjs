// Puts each program into few files, in place of the entries that tsc wrote: Node takes about a millisecond to load a
// module, and a verb has a hundred. Built from the sources, since tsc leaves an entry alone that did not change. Without
// this step the programs are the same, only slower. What comes out is neither shortened nor renamed.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const common = {
  absWorkingDir: top,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  legalComments: "none",
  logLevel: "warning",
};

await build({
  ...common,
  entryPoints: ["src/agent/main.ts"],
  outfile: "dist/src/agent/main.js",
  packages: "external", // loaded lazily, by the few that need them
});

// One file for what all verbs need, one for each that only some need: a verb loads its own and no other's.
const chunks = join(top, "dist/src/cli/chunks");
const { metafile } = await build({
  ...common,
  entryPoints: ["src/cli/main.ts", "src/cli/worker.ts"],
  outdir: "dist/src/cli",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  // Loaded lazily, by the few that need them.
  external: ["@noble/*", "bcrypt-pbkdf", "openpgp", "toml-eslint-parser", "yaml"],
  plugins: [{ name: "English only", setup: leaveLocalesOut }],
  metafile: true,
});

// Those of an earlier build go last, so that a program that runs meanwhile finds what it began with.
for (const name of readdirSync(chunks))
  if (name.endsWith(".js") && !(`dist/src/cli/chunks/${name}` in metafile.outputs))
    rmSync(join(chunks, name));

/** The errors of zod in some fifty languages are half of it; English comes in by a file of its own. */
function leaveLocalesOut(esbuild) {
  esbuild.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export {};" }));
}

// What is copied here from packages keeps its licence beside it.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  ),
);
const licences = [...packages].sort().map((name) => {
  const text = readFileSync(join(top, "node_modules", name, "LICENSE"), "utf8");
  return `${name}\n\n${text.trim()}\n`;
});
writeFileSync(join(chunks, "LICENSES"), licences.join(`\n${"-".repeat(72)}\n\n`));
