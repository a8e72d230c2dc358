import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fleetOf, keyLine, sourcesOf } from "../../../test/support/fleets.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { NixsealError } from "../../core/errors.ts";
import { planAdd, type Kind, planRemove, planRename } from "./change.ts";
import type { EntryFields } from "./add-entry.ts";
import type { EditPlan } from "./plan.ts";
import type { Source } from "../sources.ts";

const text = `# The fleet of bos55. 😀
[fleet]
name = "bos55"   # do not change

# --- machines ---

# the first one
[hosts.lufta]
address   = "lufta.example.org"  # behind the VPN
host_keys = ["${keyLine("lufta")}"]
# tags = ["old"]

# the mail host
[hosts."mail.x"]
tags = ['web']
# about ilma
[hosts.ilma]
tags = ["web"]

[members]
alice = { keys = ["${keyLine("alice")}"], groups = ["infra"] }
bob.groups = [ "infra" ]

[secrets.db]
hosts = [
  "lufta",   # main
  'mail.x',
  "ilma", # spare
]
readers = ["alice", "bob"]

[secrets.web]
hosts = ["tag:web", "!ilma", "lufta",]
`;

const add = (from: readonly Source[], kind: Kind, name: string, fields: EntryFields): Promise<EditPlan> =>
  planAdd(from, kind, [{ name, fields }]);
const after = (plan: EditPlan): string => plan.changes.map((change) => change.after).join("");
const sources = sourcesOf({ "fleet.toml": text });

test("add puts the entry behind the last of its kind and changes no other byte", async () => {
  const plan = await add(sources, "host", "new", [
    ["address", "n.example.org"],
    ["port", 2222],
    ["tags", ["a", "b"]],
  ]);
  const block = `\n[hosts.new]\naddress = "n.example.org"\nport    = 2222\ntags    = ["a", "b"]\n`;
  const place = text.indexOf("\n[members]");
  assert.equal(after(plan), text.slice(0, place) + block + text.slice(place));
  assert.equal(plan.fleet!.hosts.get("new" as never)!.port, 2222);
});

test("remove takes the entry with its own comments, and its name out of selectors", async () => {
  const expected = text
    .replace(/# the first one\n\[hosts\.lufta\](.|\n)*?# tags = \["old"\]\n\n/, "")
    .replace('  "lufta",   # main\n', "")
    .replace('"!ilma", "lufta",]', '"!ilma",]');
  assert.equal(after(await planRemove(sources, "host", "lufta")), expected);
});

test("a comment below an entry that is about the next one stays", async () => {
  const result = after(await planRemove(sources, "host", "mail.x"));
  assert.ok(result.includes("# about ilma\n[hosts.ilma]"));
  assert.ok(!result.includes("the mail host"));
  assert.ok(!result.includes("mail.x"));
});

test("rename changes keys and selectors, keeping '!'", async () => {
  const result = after(await planRename(sources, "host", "ilma", "tuuli.x"));
  assert.equal(
    result,
    text
      .replace("[hosts.ilma]", '[hosts."tuuli.x"]')
      .replace('"ilma", # spare', '"tuuli.x", # spare')
      .replace('"!ilma"', '"!tuuli.x"'),
  );
  assert.equal(
    after(await planRename(sources, "member", "alice", "al")),
    text.replace("alice = {", "al = {").replace('["alice"', '["al"'),
  );
});

test("members in dotted keys are removed too; the last reader leaves nobody, not everybody", async () => {
  const once = after(await planRemove(sources, "member", "bob"));
  assert.equal(once, text.replace('bob.groups = [ "infra" ]\n', "").replace('["alice", "bob"]', '["alice"]'));
  const twice = after(await planRemove(sourcesOf({ "fleet.toml": once }), "member", "alice"));
  assert.ok(twice.includes("readers = []"));
});

test("an edit that would hand a secret to others is refused", async () => {
  const wider = sourcesOf({
    "fleet.toml": `[hosts.a]\n[hosts.b]\n[hosts.c]\n[secrets.s]\nhosts = ["a", "!b"]\n[secrets.t]\nhosts = ["!b"]\n`,
  });
  const refused = (error: unknown): boolean =>
    error instanceof NixsealError && error.code === "config" && /would reach others/.test(error.message);
  await assert.rejects(planRemove(wider, "host", "a"), refused); // ["!b"] alone means all but b
  await assert.rejects(planRemove(wider, "host", "b"), refused); // [] means none, "!b" alone meant all others
  const glob = sourcesOf({ "fleet.toml": `[hosts.web-1]\n[hosts.web-2]\n[secrets.s]\nhosts = ["web-*"]\n` });
  await assert.rejects(planRename(glob, "host", "web-1", "www"), refused);
});

test("an edit after which a selector matches nothing is refused with its place", async () => {
  const tagged = sourcesOf({
    "fleet.toml": `[hosts.a]\ntags = ["x"]\n[hosts.b]\n[secrets.s]\nhosts = ["b", "tag:x"]\n`,
  });
  await assert.rejects(
    planRemove(tagged, "host", "a"),
    (error) =>
      error instanceof NixsealError &&
      /'tag:x' matches no host/.test(error.message) &&
      error.where?.line === 5,
  );
});

test("what is taken or missing is said", async () => {
  const code = (wanted: string) => (error: unknown) => error instanceof NixsealError && error.code === wanted;
  await assert.rejects(add(sources, "host", "lufta", []), code("conflict"));
  await assert.rejects(planRename(sources, "host", "lufta", "ilma"), code("conflict"));
  await assert.rejects(planRemove(sources, "host", "lufto"), code("not-found"));
  await assert.rejects(add(sources, "host", "bad name", []), code("config"));
  const inline = sourcesOf({ "fleet.toml": "hosts = { a = {}, b = {} }\n" });
  await assert.rejects(planRemove(inline, "host", "a"), code("config"));
  await assert.rejects(add(inline, "host", "c", []), code("config"));
});

test("entries in included files are edited where they are", async () => {
  const split = sourcesOf({
    "fleet.toml": `[secrets.s]\nhosts = ["a", "b"]\n`,
    "hosts/a.toml": "[hosts.a]\r\nport = 23\r\n",
    "hosts/b.toml": "[hosts.b]\n",
  });
  const renamed = await planRename(split, "host", "a", "z");
  assert.deepEqual(
    renamed.changes.map(({ file, after: now }) => [file, now]),
    [
      ["fleet.toml", `[secrets.s]\nhosts = ["z", "b"]\n`],
      ["hosts/a.toml", "[hosts.z]\r\nport = 23\r\n"],
    ],
  );
  const removed = await planRemove(split, "host", "a");
  assert.deepEqual(
    removed.changes.map(({ file, after: now }) => [file, now]),
    [
      ["fleet.toml", `[secrets.s]\nhosts = ["b"]\n`],
      ["hosts/a.toml", ""],
    ],
  );
});

test("a fleet with a problem can still get the host that solves it", async () => {
  const plan = await add(sourcesOf({ "fleet.toml": '[secrets.s]\nhosts = ["new"]\n' }), "host", "new", []);
  assert.equal(plan.fleet!.hosts.size, 1);
});

const entryName = fc.constantFrom("a", "b", "c.d", "e_f", "g-h");
const spacing = fc.constantFrom("", "\n", "# note\n", "\n# note\n\n", "#\n");
const layout = fc.record({
  names: fc.uniqueArray(entryName, { minLength: 2 }),
  gaps: fc.array(spacing, { minLength: 12, maxLength: 12 }),
  lists: fc.array(fc.array(entryName, { maxLength: 4 }), { maxLength: 3 }),
  style: fc.constantFrom('", "', '","', '",\n  "', '", # why\n  "', '"\n, "'),
  end: fc.constantFrom("\n", "\r\n"),
  last: fc.boolean(),
});

/** A fleet in some layout: comments and blank lines anywhere, lists in several styles, both line ends. */
function layOut({
  names,
  gaps,
  lists,
  style,
  end,
  last,
}: Parameters<Parameters<typeof layout.map>[0]>[0]): string {
  const hosts = names.map((name, n) => `${gaps[n]}[hosts."${name}"] # ${n}\nport = ${n + 1}\n`);
  const secrets = lists.map((list, n) => {
    const items = ["*", ...list.filter((name) => names.includes(name))];
    return `${gaps[n + 6]}[secrets.s${n}]\nhosts = ["${items.join(style)}"]\n`;
  });
  const whole = [...hosts, ...secrets].join("");
  return (last ? whole : whole.trimEnd()).replaceAll("\n", end);
}

test("property: add, then remove, gives the file back byte for byte", async () => {
  await fc.assert(
    fc.asyncProperty(layout, async (shape) => {
      const before = layOut({ ...shape, last: true });
      const added = after(await add(sourcesOf({ "fleet.toml": before }), "host", "zz", [["port", 9]]));
      assert.equal(after(await planRemove(sourcesOf({ "fleet.toml": added }), "host", "zz")), before);
    }),
    { numRuns: 150 },
  );
});

test("property: rename there and back gives the file back; in between the model differs in the name only", async () => {
  await fc.assert(
    fc.asyncProperty(layout, async (shape) => {
      const before = layOut(shape);
      const [from] = shape.names as [string];
      const renamed = after(await planRename(sourcesOf({ "fleet.toml": before }), "host", from, "zz-9"));
      const back = after(await planRename(sourcesOf({ "fleet.toml": renamed }), "host", "zz-9", from));
      const bare = (source: string): string => source.replaceAll('"', "");
      assert.equal(bare(back), bare(before));
      const model = (fleet: unknown): string =>
        JSON.stringify(fleet, (_key, value: unknown) =>
          value instanceof Map ? [...(value as Map<string, unknown>)] : value,
        );
      assert.equal(model(await fleetOf(renamed)).replaceAll("zz-9", from), model(await fleetOf(before)));
    }),
    { numRuns: 150 },
  );
});

test("property: remove leaves the model without the entry and nothing else changed", async () => {
  await fc.assert(
    fc.asyncProperty(layout, async (shape) => {
      const before = layOut(shape);
      const [name] = shape.names as [string];
      const was = await fleetOf(before);
      const now = await fleetOf(after(await planRemove(sourcesOf({ "fleet.toml": before }), "host", name)));
      assert.deepEqual(
        [...now.hosts],
        [...was.hosts].filter(([host]) => host !== name),
      );
      for (const [key, secret] of was.secrets)
        assert.deepEqual(
          now.secrets.get(key)!.hosts,
          secret.hosts.filter((entry) => entry.text !== name),
        );
    }),
    { numRuns: 150 },
  );
});

test("the diffs are what git applies", async (context) => {
  const directory = temporaryDirectory(context);
  const git = (...args: string[]): void => {
    const { status, stderr } = spawnSync("git", args, { cwd: directory, encoding: "utf8", timeout: 30_000 });
    assert.equal(status, 0, stderr);
  };
  const shapes = fc.sample(layout, { numRuns: 25, seed: 7 });
  for (const shape of shapes) {
    const file = "hosts/fleet.toml";
    const before = layOut(shape);
    for (const plan of [
      await planRename(sourcesOf({ "fleet.toml": before }), "host", shape.names[0]!, "zz"),
      await planRemove(sourcesOf({ "fleet.toml": before }), "host", shape.names[1]!),
      await add(sourcesOf({ "fleet.toml": before }), "host", "zz", []),
    ]) {
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      writeFileSync(join(directory, file), before);
      writeFileSync(join(directory, "patch"), plan.changes[0]!.diff.replaceAll("/fleet.toml", `/${file}`));
      git("apply", "--whitespace=nowarn", "patch");
      assert.equal(readFileSync(join(directory, file), "utf8"), plan.changes[0]!.after);
    }
  }
});
