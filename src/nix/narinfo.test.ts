import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import * as fc from "fast-check";

import { SecretValue } from "../core/secret-value.ts";
import { StockNix } from "../../test/support/stock-nix.ts";
import { fingerprint } from "./fingerprint.ts";
import { formatHash } from "./hash.ts";
import { parseNarInfo, verifyNarInfo, type NarInfo } from "./narinfo.ts";
import { formatNamed, parsePublicKey, parseSecretKey, type PublicKey } from "./signing-key.ts";
import { anyStore, nameOf } from "./store-path.ts";

const nix = new StockNix();
after(() => nix.remove());
const files: string[] = [];
let key: PublicKey;
let secret: string;

before(() => {
  nix.text("nix-store", "--generate-binary-cache-key", "test-1", "secret", "public");
  key = parsePublicKey(readFileSync(nix.path("public"), "utf8").trim());
  secret = readFileSync(nix.path("secret"), "utf8");
  const expression = `let a = derivation { name = "a"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo $out > $out"]; };
    in derivation { name = "b"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo \${a} \${builtins.toFile "t" "x"} > $out"]; }`;
  const built = nix.text("nix-build", "--no-out-link", "--expr", expression);
  nix.text(
    "nix",
    "copy",
    "--to",
    `file://${nix.path("cache")}?secret-key=${nix.path("secret")}&compression=none`,
    built,
  );
  for (const name of readdirSync(nix.path("cache")))
    if (name.endsWith(".narinfo")) files.push(readFileSync(nix.path("cache", name), "utf8"));
});

const read = (text: string): NarInfo => parseNarInfo(text, nix.storeDirectory);

test("what nix copy signs verifies, and what it signed is the fingerprint", () => {
  assert.equal(files.length, 3);
  for (const file of files) {
    const info = read(file);
    assert.deepEqual(verifyNarInfo(info, [key]), [{ name: "test-1", valid: true }]);
    const shuffled = { ...info, references: info.references.toReversed() };
    assert.equal(fingerprint(shuffled), fingerprint(info));
    const other = { name: "test-1", bytes: new Uint8Array(32).fill(1) };
    assert.deepEqual(verifyNarInfo(info, [other]), [{ name: "test-1", valid: false }]);
    const again = parseSecretKey(SecretValue.fromText(secret)).sign(fingerprint(info));
    assert.equal(file.match(/^Sig: (.*)$/m)![1], formatNamed(again));
    for (const bad of [
      { narSize: 0 },
      { narSize: 1.5 },
      { narHash: { algorithm: "sha1", digest: info.narHash.digest } as const },
    ])
      assert.throws(() => fingerprint({ ...info, ...bad }), { code: "malformed" });
    for (const changed of [
      { ...info, narSize: info.narSize + 1 },
      {
        ...info,
        references: [...info.references, read(files[0]!).path, read(files[1]!).path, read(files[2]!).path],
      },
      { ...info, path: `${info.path}x` as typeof info.path },
    ])
      assert.deepEqual(verifyNarInfo(changed, [key]), [{ name: "test-1", valid: false }]);
  }
});

test("every field is there", () => {
  const infos = new Map(files.map((file) => [nameOf(read(file).path), read(file)]));
  const b = infos.get("b")!;
  assert.deepEqual(b.references.map(nameOf).sort(), ["a", "t"]);
  assert.equal(nameOf(b.deriver!), "b.drv");
  assert.equal(b.compression, "none");
  assert.match(b.url, /^nar\/.*\.nar$/);
  assert.deepEqual(b.fileHash, b.narHash);
  assert.equal(b.fileSize, b.narSize);
  assert.equal(b.contentAddress, null);
  assert.deepEqual(infos.get("a")!.references, [infos.get("a")!.path]);
  const t = infos.get("t")!;
  assert.equal(t.contentAddress!.method, "text");
  assert.equal(
    formatHash(t.contentAddress!.hash, "base16"),
    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
  );
});

test("absent fields have Nix's defaults", () => {
  const text = files[0]!.replace(/^(Compression|FileHash|FileSize|References|Deriver|Sig|CA): .*\n/gm, "");
  const info = read(text);
  assert.equal(info.compression, "bzip2");
  assert.deepEqual(
    [info.fileHash, info.fileSize, info.deriver, info.contentAddress],
    [null, null, null, null],
  );
  assert.deepEqual([info.references, info.signatures], [[], []]);
  assert.equal(read(`${text}Deriver: unknown-deriver\nReferences: \nFuture: x\n`).deriver, null);
  assert.throws(() => parseNarInfo(text), { code: "malformed" });
  assert.equal(parseNarInfo(text, anyStore).path, info.path);
});

test("whatever is damaged is malformed, with the line", () => {
  const file = files.find((file) => /^References: \S+ \S+$/m.test(file))!;
  const replaced = (field: string, value: string): string =>
    file.replace(new RegExp(`^${field}: .*$`, "m"), `${field}: ${value}`);
  const bad = [
    "",
    "\n",
    file.slice(0, -1),
    `${file}\n`,
    `${file}x`,
    `${file}NoColon\n`,
    `${file}NoSpace:x\n`,
    file.replaceAll("\n", "\r\n"),
    file.replace("URL", "url:"),
    file.replace(/^StorePath.*\n/, ""),
    file.replace(/^URL.*\n/m, ""),
    file.replace(/^NarHash.*\n/m, ""),
    file.replace(/^NarSize.*\n/m, ""),
    replaced("NarSize", "0"),
    replaced("NarSize", "012"),
    replaced("NarSize", "-1"),
    replaced("NarSize", "1e3"),
    replaced("NarSize", "12 "),
    replaced("NarSize", "18446744073709551615"),
    replaced("NarHash", "sha256:x"),
    replaced("NarHash", "md5:d41d8cd98f00b204e9800998ecf8427e"),
    replaced("References", "a"),
    file.replace(/^References: (\S+) /m, "References: $1  "),
    file.replace(/^References: (\S+)/m, "References: $1 $1"),
    file.replace(/^References: (\S+)/m, "References: ../$1"),
    replaced("StorePath", "/nix/store/../x"),
    replaced("Deriver", "/x"),
    replaced("Sig", "test-1"),
    replaced("Sig", "test-1:AAAA"),
    replaced("URL", ""),
    replaced("URL", "a\0b"),
    replaced("URL", "a\u0085b"),
  ];
  for (const field of [
    "StorePath",
    "URL",
    "Compression",
    "FileHash",
    "FileSize",
    "NarHash",
    "NarSize",
    "References",
    "Deriver",
  ]) {
    const line = file.match(new RegExp(`^${field}: .*\n`, "m"))![0];
    bad.push(file + line, line + file, file.replace(line, line + line));
  }
  bad.push(`${file}Future: a\nFuture: b\n`);
  for (const text of bad) assert.throws(() => read(text), { code: "malformed" }, text);
  const lines = file.split("\n").length;
  assert.throws(() => read(`${file}URL: x\n`), { code: "malformed", where: { line: lines } });
  assert.throws(() => read(`Sig: x\n${file}`), { code: "malformed", where: { line: 1 } });
  assert.throws(() => read("Sig: a:b\n".repeat(1 << 20)), { code: "limit" });
});

test("no text makes anything else than a narinfo or an error of ours", () => {
  fc.assert(
    fc.property(fc.nat(), fc.string({ unit: "binary", maxLength: 4 }), fc.nat(3), (place, text, cut) => {
      const file = files[0]!;
      const at = place % file.length;
      try {
        read(file.slice(0, at) + text + file.slice(at + cut));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "malformed", String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("several signatures keep their order, each judged by itself", () => {
  const [line] = files[0]!.match(/^Sig: .*\n/m)!;
  const forged = line.replace("test-1", "test-2");
  const info = read(files[0]!.replace(line, forged + line + forged));
  const judged = verifyNarInfo(info, [key, { ...key, name: "test-3" }]);
  assert.deepEqual(
    judged.map(({ name, valid }) => [name, valid]),
    [
      ["test-2", false],
      ["test-1", true],
      ["test-2", false],
    ],
  );
});
