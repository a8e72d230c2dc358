import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const top = normalize(join(dirname(fileURLToPath(import.meta.url)), "../.."));
const entries = new Set(["src/cli/main.ts", "src/cli/worker.ts", "src/agent/main.ts"]);
const pureBuiltins = new Set(["node:crypto", "node:path", "node:util", "node:buffer", "node:zlib"]);

interface Row {
  readonly rooms: ReadonlySet<string>;
  readonly npm: ReadonlySet<string>;
  readonly lazy: ReadonlySet<string>;
}

interface Import {
  readonly specifier: string;
  readonly kind: "static" | "type" | "dynamic";
}

const words = (cell: string | undefined): ReadonlySet<string> =>
  new Set((cell ?? "").split(/\s+/).filter(Boolean));

function directionTable(): Map<string, Row> {
  const text = readFileSync(join(top, "ARCHITECTURE.md"), "utf8");
  const lines = text.slice(text.indexOf("| room | may import |")).split("\n");
  const rows = lines.slice(2, lines.indexOf(""));
  return new Map(
    rows.map((line) => {
      const [, room, rooms, npm, lazy] = line.split("|").map((cell) => cell.trim());
      return [room!, { rooms: words(rooms), npm: words(npm), lazy: words(lazy) }];
    }),
  );
}

function sources(): string[] {
  return readdirSync(join(top, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !path.endsWith(".test.ts"))
    .map((path) => join("src", path))
    .sort();
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function importsOf(file: string): Import[] {
  const text = withoutComments(readFileSync(join(top, file), "utf8"));
  const found: Import[] = [];
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^;"]*?from\s+"([^"]+)"/gm))
    found.push({ specifier: match[2]!, kind: match[1] === undefined ? "static" : "type" });
  for (const match of text.matchAll(/^\s*import\s+"([^"]+)"/gm))
    found.push({ specifier: match[1]!, kind: "static" });
  for (const match of text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)(\.[A-Z])?/g))
    found.push({ specifier: match[1]!, kind: match[2] === undefined ? "dynamic" : "type" });
  return found;
}

const roomOf = (file: string): string => (file.split("/").length > 2 ? file.split("/")[1]! : file);
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
const resolved = (file: string, specifier: string): string =>
  relative(top, normalize(join(top, dirname(file), specifier)));

const table = directionTable();

test("every room stands in the direction table, and every row is a room", () => {
  const rooms = new Set(
    sources()
      .map(roomOf)
      .filter((room) => room !== "src/index.ts"),
  );
  assert.deepEqual([...rooms].sort(), [...table.keys()].sort());
});

test("imports follow the direction table of ARCHITECTURE.md", () => {
  const wrong: string[] = [];
  for (const file of sources().filter((path) => path !== "src/index.ts")) {
    const room = roomOf(file);
    const row = table.get(room)!;
    for (const { specifier, kind } of importsOf(file)) {
      if (specifier.startsWith("node:")) {
        if (room !== "system" && !entries.has(file) && !pureBuiltins.has(specifier) && kind !== "type")
          wrong.push(`${file} imports ${specifier}`);
      } else if (specifier.startsWith(".")) {
        const target = roomOf(resolved(file, specifier));
        const mayEnter =
          target === room || row.rooms.has(target) || (target === "system" && entries.has(file));
        if (!mayEnter) wrong.push(`${file} imports ${resolved(file, specifier)}`);
      } else if (
        !row.npm.has(packageOf(specifier)) &&
        !(kind !== "static" && row.lazy.has(packageOf(specifier)))
      ) {
        wrong.push(`${file} imports ${specifier} (${kind})`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("clock, randomness, environment and process are touched in src/system and the entry files only", () => {
  const forbidden =
    /\bprocess\.|\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\bgenerateKeyPair|\bsetTimeout\(|\bsetInterval\(|\bconsole\./;
  const wrong = sources()
    .filter((file) => roomOf(file) !== "system" && !entries.has(file))
    .filter((file) => forbidden.test(withoutComments(readFileSync(join(top, file), "utf8"))));
  assert.deepEqual(wrong, []);
});

test("no source goes through a shell or leaves host keys unchecked", () => {
  const forbidden = /shell:\s*true|\bexecSync\(|\bexec\(["'`]|StrictHostKeyChecking[= ]no/;
  const wrong = sources().filter((file) => forbidden.test(readFileSync(join(top, file), "utf8")));
  assert.deepEqual(wrong, []);
});

/** Everything that a file brings in, from one import to the next, by those kinds of imports that count in each file. */
function loaded(
  start: string,
  kindsIn: (file: string) => readonly Import["kind"][],
): { files: string[]; packages: string[] } {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { specifier, kind } of importsOf(file)) {
      if (!kindsIn(file).includes(kind) || specifier.startsWith("node:")) continue;
      if (specifier.startsWith(".")) visit(resolved(file, specifier));
      else packages.add(packageOf(specifier));
    }
  };
  visit(start);
  return { files: [...seen], packages: [...packages] };
}

test("what nixseal-agent loads before it knows its verb: neither a verb nor what verbs need", () => {
  const { files, packages } = loaded("src/agent/main.ts", () => ["static"]);
  assert.deepEqual([...new Set(files.map(roomOf))].sort(), ["agent", "core", "system"]);
  assert.ok(!files.includes("src/agent/activate.ts"));
  assert.deepEqual(packages, []);
});

test("what nixseal-agent loads for any of its verbs: its rooms and no npm package", () => {
  // It loads verbs lazily, and these what messages ask for. What the other rooms load lazily, a package among it, is theirs to say.
  const lazy = new Set(["agent", "gate"]);
  const { files, packages } = loaded("src/agent/main.ts", (file) =>
    lazy.has(roomOf(file)) ? ["static", "dynamic"] : ["static"],
  );
  const verbs = importsOf("src/agent/registry.ts").filter(({ kind }) => kind === "dynamic");
  assert.ok(verbs.length > 10 && files.includes("src/nix/protocol/worker-server.ts"));
  for (const { specifier } of verbs) assert.ok(files.includes(resolved("src/agent/registry.ts", specifier)));
  const rooms = new Set(files.map(roomOf));
  const mayLoad = new Set([...table.get("agent")!.rooms, "agent", "system"]);
  assert.deepEqual(
    [...rooms].filter((room) => !mayLoad.has(room)),
    [],
  );
  assert.deepEqual(packages, []);
});

test("what nixseal-agent loads to watch: no npm package, not even lazily", () => {
  for (const start of ["watch", "preview", "resume", "tell"]) {
    const { files, packages } = loaded(`src/watch/${start}.ts`, () => ["static", "dynamic"]);
    assert.ok(files.length > 10, start);
    assert.deepEqual(packages, [], start);
  }
});

test("only named exports, and no file that only passes on another's", () => {
  const wrong = sources().filter((file) => {
    const text = withoutComments(readFileSync(join(top, file), "utf8"));
    return /^export default\b/m.test(text) || (file !== "src/index.ts" && /^export \* from/m.test(text));
  });
  assert.deepEqual(wrong, []);
});

// Of `{ z }` the bundle keeps all of zod, three times what is used, and every verb loads it.
test("zod is imported as a namespace", () => {
  const wrong = sources().filter((file) =>
    /import \{ z \} from "zod"/.test(readFileSync(join(top, file), "utf8")),
  );
  assert.deepEqual(wrong, []);
});
