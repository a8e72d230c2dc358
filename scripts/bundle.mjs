// Puts each program into few files: Node takes about a millisecond to load a module, and a verb has a hundred. What
// comes out is neither shortened nor renamed.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

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

/** Small files that nearly all verbs need, those that find a history, remember one, and read one: of each group one file, not one a subset. */
const loadedTogether = [
  named("core", "bytes canonical-json errors exit secret-value suggest"),
  [...named("ssh", "refusal"), ...named("trust/commits", "git object-id range refusal repository")],
  [...named("trust", "state-directory"), ...named("trust/commits", "descent frontier memory")],
  named("trust/commits", "history object-hash object-headers object-reader output-reader signed-object tags"),
];

function named(room, names) {
  return names.split(" ").map((name) => join(top, "src", room, `${name}.ts`));
}

// One file for what all verbs need, one for each that only some need: a verb loads its own and no other's.
const program = "dist/src/program";
const { metafile } = await split(
  { main: "src/cli/main.ts", worker: "src/cli/worker.ts" },
  "chunks",
  // Loaded lazily, by the few that need them.
  { external: ["@noble/*", "bcrypt-pbkdf", "openpgp", "toml-eslint-parser", "yaml"] },
);
// Not shared with the other, of which every chunk would be in pieces then. It has no package in it.
await split({ agent: "src/agent/main.ts" }, "agent-chunks", { packages: "external" }, await partsOfTheGate());
writeFileSync(join(top, program, "package.json"), '{ "type": "commonjs" }\n');

/** Of the agent: what both sides of the gate load for a message, what the network's side loads beside it, and what most orders need. */
async function partsOfTheGate() {
  const { metafile } = await build({
    ...common,
    entryPoints: ["src/agent/main.ts"],
    packages: "external",
    metafile: true,
    write: false,
  });
  const loadedBy = (file) => {
    const all = new Set([file]);
    for (const one of all)
      for (const { path, kind } of metafile.inputs[one]?.imports ?? [])
        if (kind === "import-statement" && path.startsWith("src/")) all.add(path);
    all.delete(file);
    return all;
  };
  const [start, receive, activate] = ["main", "receive", "activate"].map((name) =>
    loadedBy(`src/agent/${name}.ts`),
  );
  const orders = ["offer", "activate", "confirm"].map((name) => loadedBy(`src/gate/activate/${name}.ts`));
  const files = Object.keys(metafile.inputs).filter((file) => !start.has(file));
  const both = files.filter((file) => receive.has(file) && activate.has(file));
  const received = files.filter((file) => receive.has(file) && !activate.has(file));
  const ordered = files.filter(
    (file) => !receive.has(file) && !activate.has(file) && orders.filter((all) => all.has(file)).length > 1,
  );
  return [both, received, ordered].map((part) => part.map((file) => join(top, file)));
}

async function split(entryPoints, directory, packages, together = loadedTogether) {
  const { metafile, outputFiles } = await build({
    ...common,
    ...packages,
    entryPoints,
    outdir: program,
    splitting: true,
    chunkNames: `${directory}/[name]-[hash]`,
    plugins: [
      { name: "English only", setup: leaveLocalesOut },
      { name: "sources", setup: (esbuild) => readSources(esbuild, together) },
    ],
    metafile: true,
    write: false,
  });
  // CommonJS, of which Node loads a file in less than half the time, and starts 5 ms sooner: without its loader of ES modules.
  const chunks = join(top, program, directory);
  mkdirSync(chunks, { recursive: true });
  for (const { path, text } of outputFiles.toReversed()) writeFileSync(path, await commonJs(text));
  // Those of an earlier build go last, so that a program that runs meanwhile finds what it began with.
  for (const name of readdirSync(chunks))
    if (name.endsWith(".js") && !(`${program}/${directory}/${name}` in metafile.outputs))
      rmSync(join(chunks, name));
  return { metafile };
}

/** Packages that are not in the bundle are still imported: they may be ES modules. */
async function commonJs(text) {
  const required = text.replace(/\bimport\("(\.[^"]+)"\)/g, 'Promise.resolve().then(() => require("$1"))');
  const { code } = await transform(required, {
    platform: "node",
    target: "node20",
    format: "cjs",
    define: { "import.meta.url": "moduleUrl" },
  });
  const url = 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;\n';
  return code.includes("moduleUrl") ? url + code : code;
}

/** The errors of zod in some fifty languages are half of it; English comes in by a file of its own. */
function leaveLocalesOut(esbuild) {
  esbuild.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export {};" }));
}

/** What is reached by the same verbs lies in one file: so whoever imports one of these imports all. */
function importAllOf(together, path, text) {
  const imported = [...text.matchAll(/^(?:import|\}) (?!type).*from "(\..+)";$/gm)].map((match) =>
    join(dirname(path), match[1]),
  );
  if (together.includes(path) || !imported.some((one) => together.includes(one))) return text;
  return `${text}\n${together.map((name) => `import ${JSON.stringify(name)};`).join("\n")}`;
}

function readSources(esbuild, together) {
  esbuild.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
    const text = readFileSync(path, "utf8");
    return { contents: together.reduce((all, one) => importAllOf(one, path, all), text), loader: "ts" };
  });
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
writeFileSync(join(top, program, "chunks/LICENSES"), licences.join(`\n${"-".repeat(72)}\n\n`));
