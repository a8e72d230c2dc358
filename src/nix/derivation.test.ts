import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import * as fc from "fast-check";

import { StockNix } from "../../test/support/stock-nix.ts";
import { fixedOutputPath } from "./content-address.ts";
import { parseDerivation } from "./derivation-aterm.ts";
import { derivationToJson, parseDerivations } from "./derivation-json.ts";
import { derivationPath, type Derivation } from "./derivation.ts";
import { anyStore, nameOf, parseStorePath } from "./store-path.ts";

const nix = new StockNix();
after(() => nix.remove());

/** As a Nix string literal that stands for exactly this text. */
const literal = (text: string): string =>
  JSON.stringify(text)
    .replaceAll("$", "\\$")
    .replaceAll(/\\[bf]|\\u00../g, "_");
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const variables = fc.dictionary(
  fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom("__proto__", "10", "9", "é")),
  fc.oneof(
    fc.string(),
    fc.string({ unit: "binary-ascii" }),
    fc.constantFrom('a"b\\c\n\r\t${x}', "😀\\n", "\\", ""),
  ),
  { maxKeys: 5, noNullPrototype: true },
);

/** An expression with inputs, several outputs, sources and a fixed output. */
const expression = (
  env: Record<string, string>,
  args: readonly string[],
  fixed: readonly [string, string],
): string => `
  let
    plain = derivation { name = "plain"; system = "x"; builder = "/bin/sh"; outputs = [ "out" "dev" "a-z" ]; };
    fixed = derivation { name = "fixed"; system = "x"; builder = "b"; outputHash = "${fixed[1]}"; outputHashAlgo = "${fixed[0]}"; outputHashMode = "recursive"; };
    flat = derivation { name = "flat"; system = "x"; builder = "b"; outputHash = "${fixed[1]}"; outputHashAlgo = "${fixed[0]}"; };
    attrs = builtins.fromJSON ${literal(JSON.stringify(env))};
  in derivation (builtins.removeAttrs attrs [ "name" "system" "builder" "args" "outputs" "outputHash" "outputHashAlgo" "outputHashMode" "__structuredAttrs" "__ignoreNulls" "__contentAddressed" "__impure" ] // {
    name = "top"; system = "x86_64-linux"; builder = plain.dev; args = builtins.fromJSON ${literal(JSON.stringify(args))} ++ [ plain flat.out ];
    inherit fixed; text = builtins.toFile "text" "content";
  })`;

const fixedHashes = fc.constantFrom(
  ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"] as const,
  ["sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"] as const,
  ["md5", "900150983cd24fb0d6963f7d28e17f72"] as const,
  ["sha512", "ab".repeat(64)] as const,
);

test("any derivation of stock Nix reads as nix show-derivation shows it, and names its own file", () => {
  fc.assert(
    fc.property(variables, fc.array(fc.string(), { maxLength: 3 }), fixedHashes, (env, args, fixed) => {
      const path = nix.text("nix-instantiate", "--expr", expression(env, args, fixed));
      const all = nix.json("nix", "show-derivation", "--recursive", path) as Record<string, unknown>;
      assert.ok(Object.keys(all).length === 4);
      const read = parseDerivations(JSON.stringify(all), nix.storeDirectory);
      for (const [drvPath, shown] of Object.entries(all)) {
        const file = readFileSync(drvPath);
        const derivation = parseDerivation(file, nix.storeDirectory);
        assert.deepEqual(plain(derivationToJson(derivation)), shown);
        assert.deepEqual(read.get(parseStorePath(drvPath, nix.storeDirectory)), derivation);
        assert.deepEqual(parseDerivation(file, anyStore), derivation);
        const name = nameOf(parseStorePath(drvPath, nix.storeDirectory)).replace(/\.drv$/, "");
        assert.equal(derivationPath(name, file, derivation, nix.storeDirectory), drvPath);
        for (const output of derivation.outputs.values())
          if (output.type === "fixed")
            assert.equal(fixedOutputPath(name, output.address, nix.storeDirectory), output.path);
      }
    }),
    { numRuns: 12 },
  );
});

const dep1 = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep1";
const dep2 = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep2.drv";
const rest = `["${dep1}"],"wasm-sel4","foo",["bar","baz"],[("BIG_BAD","WOLF")])`;
/** Vectors of src/libstore-tests/data/derivation of Nix. */
const simple = `Derive([],[("${dep2}",["cat","dog"])],${rest}`;
const dynamic = `DrvWithVersion("xp-dyn-drv",[],[("${dep2}",(["cat","dog"],[("cat",["kitten"]),("goose",["gosling"])]))],${rest}`;
const parse = (text: string): Derivation => parseDerivation(Buffer.from(text));

test("the plain and the dynamic vector", () => {
  const json = {
    outputs: {},
    inputSrcs: [dep1],
    inputDrvs: { [dep2]: ["cat", "dog"] },
    system: "wasm-sel4",
    builder: "foo",
    args: ["bar", "baz"],
    env: { BIG_BAD: "WOLF" },
  };
  assert.deepEqual(plain(derivationToJson(parse(simple))), json);
  const child = (name: string) => ({ outputs: [name], dynamicOutputs: {} });
  const needed = {
    outputs: ["cat", "dog"],
    dynamicOutputs: { cat: child("kitten"), goose: child("gosling") },
  };
  const dynamicJson = { ...json, inputDrvs: { [dep2]: needed } };
  assert.deepEqual(plain(derivationToJson(parse(dynamic))), dynamicJson);
  assert.deepEqual([...parseDerivations(JSON.stringify({ [dep2]: dynamicJson })).values()], [parse(dynamic)]);
});

test("every kind of output", () => {
  const out = "/nix/store/3ss3ymmnyqhgpjmn5jrqz5k0cnq2zzi8-x";
  const hex = "894517c9163c896ec31a2adbd33c0681fd5f45b2c0ef08a64c92a03fb97f390f";
  const kinds = {
    [`("out","${out}","","")`]: { path: out },
    [`("out","${out}","sha256","${hex}")`]: { path: out, hashAlgo: "sha256", hash: hex },
    [`("out","${out}","r:sha256","${hex}")`]: { path: out, hashAlgo: "r:sha256", hash: hex },
    [`("out","${out}","text:sha256","${hex}")`]: { path: out, hashAlgo: "text:sha256", hash: hex },
    [`("out","","r:sha256","")`]: { hashAlgo: "r:sha256" },
    [`("out","","r:sha256","impure")`]: { hashAlgo: "r:sha256", impure: true },
    [`("out","","","")`]: {},
  };
  for (const [aterm, json] of Object.entries(kinds)) {
    const derivation = parse(simple.replace("Derive([]", `Derive([${aterm}]`));
    const shown = plain(derivationToJson(derivation)) as { outputs: unknown };
    assert.deepEqual(shown.outputs, { out: json });
    assert.deepEqual([...parseDerivations(JSON.stringify({ [dep2]: shown })).values()], [derivation]);
  }
});

test("every version of the JSON gives the same derivation", () => {
  const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  const sri = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
  const drv = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-name.drv";
  const out = fixedOutputPath("name", {
    method: "nar",
    hash: { algorithm: "sha256", digest: Buffer.from(hex, "hex") },
  });
  const base = (path: string): string => path.slice("/nix/store/".length);
  const common = { system: "s", builder: "b", args: ["a"], env: { K: "v", __json: '{"k":[1]}' } };
  const needed = { outputs: ["out"], dynamicOutputs: {} };
  const { __json, ...env } = common.env;
  const attrs = { name: "name", ...common, env, structuredAttrs: JSON.parse(__json) as unknown };
  const fixed = { hashAlgo: "sha256", hash: hex };
  const versions: Readonly<Record<string, unknown>> = {
    "1, up to 2.14": {
      [drv]: {
        ...common,
        inputSrcs: [dep1],
        inputDrvs: { [dep2]: ["out"] },
        outputs: { out: { ...fixed, hashAlgo: "r:sha256", path: out } },
      },
    },
    "1, since 2.18": {
      [drv]: {
        name: "name",
        ...common,
        inputSrcs: [dep1],
        inputDrvs: { [dep2]: needed },
        outputs: { out: { ...fixed, hashAlgo: "r:sha256", path: out } },
      },
    },
    2: {
      [drv]: {
        ...attrs,
        inputSrcs: [dep1],
        inputDrvs: { [dep2]: needed },
        outputs: { out: { ...fixed, method: "nar", path: out } },
      },
    },
    3: {
      [base(drv)]: {
        ...attrs,
        version: 3,
        inputSrcs: [base(dep1)],
        inputDrvs: { [base(dep2)]: needed },
        outputs: { out: { ...fixed, method: "nar" } },
      },
    },
    4: {
      version: 4,
      derivations: {
        [base(drv)]: {
          ...attrs,
          version: 4,
          inputs: { srcs: [base(dep1)], drvs: { [base(dep2)]: needed } },
          outputs: { out: { method: "nar", hash: sri } },
        },
      },
    },
  };
  const aterm = `Derive([("out","${out}","r:sha256","${hex}")],[("${dep2}",["out"])],["${dep1}"],"s","b",["a"],[("K","v"),("__json","{\\"k\\":[1]}")])`;
  for (const [version, document] of Object.entries(versions))
    assert.deepEqual(parseDerivations(JSON.stringify(document)), new Map([[drv, parse(aterm)]]), version);
});

test("what Nix would not have written is malformed, with the offset", () => {
  const bad = [
    "",
    "x",
    "Derive(",
    `${simple} `,
    `${simple}\n`,
    simple + simple,
    ` ${simple}`,
    simple.replace("Derive", "derive"),
    simple.replace("],[", "], ["),
    simple.replace('"cat","dog"', '"dog","cat"'),
    simple.replace('"cat","dog"', '"cat","cat"'),
    simple.replace('"cat","dog"', '"cat","dog",'),
    simple.replace('"cat","dog"', ',"cat","dog"'),
    simple.replace('"cat","dog"', '"cat" "dog"'),
    simple.replace(`["${dep1}"]`, `["${dep1}","${dep1}"]`),
    simple.replace(dep1, "/tmp/x"),
    simple.replace(dep1, `${dep1}/`),
    simple.replace(dep1, `/nix/store/../store/${dep1.slice(11)}`),
    simple.replace("WOLF", "W\\OLF"),
    simple.replace("WOLF", "W\nOLF"),
    simple.replace("WOLF", "W\tOLF"),
    simple.replace("WOLF", "WOLF\\"),
    simple.replace("WOLF", '"'),
    simple.replace('("BIG_BAD","WOLF")', '("B","1"),("A","1")'),
    simple.replace('("BIG_BAD","WOLF")', '("A","1"),("A","1")'),
    simple.replace('("BIG_BAD","WOLF")', '"A"'),
    simple.replace("[]", '[("out","","","ab")]'),
    simple.replace("[]", `[("out","${dep1}","sha256","")]`),
    simple.replace("[]", `[("out","${dep1}","sha256","ABCD")]`),
    simple.replace("[]", `[("out","${dep1}","sha3","00")]`),
    simple.replace("[]", `[("out","${dep1}","","00")]`),
    simple.replace("[]", `[("out","${dep1}","r:r:sha256","${"0".repeat(64)}")]`),
    simple.replace("[]", `[("out","","git:sha256","")]`),
    simple.replace('["cat","dog"]', '(["cat","dog"],[])'), // the plain form knows no dynamic inputs
    dynamic.replace("xp-dyn-drv", "xp-other"),
    dynamic.replace('("cat",["kitten"]),("goose",["gosling"])', '("goose",["gosling"]),("cat",["kitten"])'),
  ];
  for (const text of bad) assert.throws(() => parse(text), { code: "malformed" }, text);
  assert.throws(() => parse(`${simple}x`), { where: { offset: simple.length } });
  assert.throws(() => parse(simple.replace("WOLF", "W\\OLF")), {
    where: { offset: simple.indexOf("WOLF") + 2 },
  });
  const notUtf8 = Buffer.from(simple.replace("WOLF", "\xff"), "latin1");
  assert.throws(() => parseDerivation(notUtf8), {
    code: "malformed",
    where: { offset: simple.indexOf("WOLF") },
  });
});

test("cut off anywhere it is malformed; depth is bounded", () => {
  for (const text of [simple, dynamic])
    for (let length = 0; length < text.length; length++)
      assert.throws(() => parse(text.slice(0, length)), { code: "malformed" }, String(length));
  const nested = `${'(["a"],[("a",'.repeat(100_000)}["a"]${")])".repeat(100_000)}`;
  assert.throws(
    () => parse(dynamic.replace('(["cat","dog"],[("cat",["kitten"]),("goose",["gosling"])])', nested)),
    { code: "limit" },
  );
});

test("any single changed byte gives an error or a file of its own", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(simple, dynamic),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (text, place, flip) => {
        const bytes = Buffer.from(text);
        const at = place % bytes.length;
        bytes[at] = bytes[at]! ^ flip;
        try {
          assert.notDeepEqual(parseDerivation(bytes), parse(text));
        } catch (error) {
          assert.equal((error as { code?: string }).code, "malformed", String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("wrong JSON is malformed and says where", () => {
  const good = { outputs: {}, inputSrcs: [], inputDrvs: {}, system: "s", builder: "b", args: [], env: {} };
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [[], /object/],
    [{ [dep2]: 1 }, /object/],
    [{ x: good }, /name of/],
    [{ version: 5, derivations: {} }, /version/],
    [{ [dep2]: { ...good, version: 9 } }, /version/],
    [{ [dep2]: { ...good, env: { a: 1 } } }, /env\.a/],
    [{ [dep2]: { ...good, args: "x" } }, /args/],
    [{ [dep2]: { ...good, system: undefined } }, /system/],
    [{ [dep2]: { ...good, inputDrvs: { [dep2]: "out" } } }, /inputDrvs/],
    [{ [dep2]: { ...good, outputs: { out: { path: 1 } } } }, /outputs\.out\.path/],
    [{ [dep2]: { ...good, outputs: { out: { hashAlgo: "sha3" } } } }, /hashAlgo/],
  ];
  for (const [document, message] of bad)
    assert.throws(() => parseDerivations(JSON.stringify(document)), { code: "malformed", message });
});
