import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";

import { top } from "./console.ts";
import { StockNix } from "./support/stock-nix.ts";

/** The plumbing verbs as programs, beside stock Nix on the same files. */
const nix = new StockNix();
after(() => nix.remove());
let drv: string;
let built: string;

before(() => {
  nix.text("nix-store", "--generate-binary-cache-key", "test-1", "secret", "public");
  writeFileSync(
    nix.path("x.nix"),
    `let a = derivation { name = "a"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo $out > $out"]; };
     in derivation { name = "b"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo \${a} > $out"]; text = "é \\"\\n"; }`,
  );
  drv = nix.text("nix-instantiate", "x.nix");
  built = nix.text("nix-store", "--realise", drv);
});

function nixseal(args: readonly string[], input = ""): { code: number | null; out: string; err: string } {
  const result = spawnSync(join(top, "bin/nixseal"), ["nix", ...args], {
    input,
    cwd: nix.directory,
    timeout: 30_000,
  });
  return { code: result.status, out: result.stdout.toString(), err: result.stderr.toString() };
}

test("drv-show is nix show-derivation", () => {
  const { code, out } = nixseal(["drv-show", drv, "--json"]);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), nix.json("nix", "show-derivation", drv));
  copyFileSync(drv, nix.path("copy.drv"));
  assert.deepEqual(JSON.parse(nixseal(["drv-show", "copy.drv", "--json"]).out), JSON.parse(out));
});

test("drv-show refuses what is damaged, also where it still reads", () => {
  const bytes = readFileSync(drv);
  for (const damaged of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from("\n")]), Buffer.from("")]) {
    writeFileSync(nix.path("bad.drv"), damaged);
    const { code, out, err } = nixseal(["drv-show", "bad.drv"]);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /bad\.drv:byte \d+: /);
  }
  const twin = nix.path("store", basename(drv).replace("-b.drv", "-c.drv"));
  writeFileSync(twin, bytes);
  const { code, err } = nixseal(["drv-show", twin]);
  assert.equal(code, 2);
  assert.match(err, /does not have the content/);
});

test("narinfo verifies what nix copy signed", () => {
  nix.text("nix", "copy", "--to", `file://${nix.path("cache")}?secret-key=${nix.path("secret")}`, built);
  const key = readFileSync(nix.path("public"), "utf8").trim();
  const file = join(
    "cache",
    readdirSync(nix.path("cache")).find((name) => built.includes(name.slice(0, 32)))!,
  );
  const [info] = nix.json("nix", "path-info", "--json", "--store", `file://${nix.path("cache")}`, built) as [
    Record<string, unknown>,
  ];
  const { code, out } = nixseal(["narinfo", file, "--json", "--key", key]);
  const ours = JSON.parse(out) as Record<string, unknown>;
  assert.equal(code, 0);
  assert.deepEqual(ours["signatures"], [{ name: "test-1", valid: true }]);
  for (const field of [
    "path",
    "url",
    "downloadHash",
    "downloadSize",
    "narHash",
    "narSize",
    "references",
    "deriver",
  ])
    assert.deepEqual(ours[field], info[field], field);

  const other = `test-1:${Buffer.alloc(32, 3).toString("base64")}`;
  assert.equal(nixseal(["narinfo", file, "--key", other]).code, 1);
  assert.equal(nixseal(["narinfo", file, "--key", other, "--key", key]).code, 0);
  assert.equal(nixseal(["narinfo", file]).code, 1);
  assert.equal(nixseal(["narinfo", file, "--key", "test-1"]).code, 2);
  const text = readFileSync(nix.path(file), "utf8");
  const changed = text.replace(/^NarSize: (\d+)/m, (_, size: string) => `NarSize: ${Number(size) + 8}`);
  assert.equal(nixseal(["narinfo", "-", "--key", key], changed).code, 1);
  const twice = nixseal(["narinfo", "-", "--key", key], `${text}URL: x\n`);
  assert.deepEqual([twice.code, twice.out], [2, ""]);
  assert.match(twice.err, /stdin:\d+: URL stands twice/);
});

test("nar-ls is nix nar ls, nar-unpack of a store path is that path", () => {
  nix.run("sh", [
    "-c",
    "mkdir -p from/sub && echo a > from/sub/a && ln -s sub/a from/l && cp /bin/true from/run",
  ]);
  const path = nix.text("nix-store", "--add", "from");
  nix.run("sh", ["-c", `nix-store --dump ${path} > tree.nar`]);
  const listed = JSON.parse(nixseal(["nar-ls", "tree.nar", "--json"]).out) as unknown;
  assert.deepEqual(listed, nix.json("nix", "nar", "ls", "--json", "--recursive", "tree.nar", "/"));
  assert.equal(nixseal(["nar-unpack", "tree.nar", "tree"]).code, 0);
  assert.equal(
    nixseal(["nar-hash", "tree", "--nix32"]).out.trim(),
    nix.text("nix-hash", "--type", "sha256", "--base32", path),
  );
});

test("nar-ls of the deepest tree that it accepts prints JSON", () => {
  const text = (string: string): Buffer => {
    const framed = Buffer.alloc(8 + Math.ceil(string.length / 8) * 8);
    framed.writeBigUInt64LE(BigInt(string.length));
    framed.write(string, 8, "latin1");
    return framed;
  };
  const levels = 1000;
  const open = ["(", "type", "directory", "entry", "(", "name", "d", "node"].map(text);
  const strings = [
    text("nix-archive-1"),
    ...Array<Buffer[]>(levels - 1)
      .fill(open)
      .flat(),
  ];
  strings.push(
    ...["(", "type", "directory", ")"].map(text),
    ...Array<Buffer>(2 * (levels - 1)).fill(text(")")),
  );
  writeFileSync(nix.path("deep.nar"), Buffer.concat(strings));
  const { code, out } = nixseal(["nar-ls", "deep.nar", "--json"]);
  assert.equal(code, 0);
  assert.equal(out.match(/"directory"/g)!.length, levels);
  assert.equal(nixseal(["nar-unpack", "deep.nar", "deep"]).code, 0);
  assert.deepEqual(
    readdirSync(nix.directory).filter((name) => name.includes("partial")),
    [],
  );
});

test("store-path gives the paths that Nix gave", () => {
  const infos = nix.json("nix", "path-info", "--json", "--all") as {
    path: string;
    ca?: string;
    references: string[];
  }[];
  const addressed = infos.filter((info) => info.ca !== undefined);
  assert.ok(addressed.length >= 2);
  for (const { path, ca, references } of addressed) {
    const request = { name: basename(path).slice(33), contentAddress: ca, references, self: false };
    const { code, out } = nixseal(
      ["store-path", "--json", "--store-dir", nix.storeDirectory],
      JSON.stringify(request),
    );
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), { path });
  }
});
