import assert from "node:assert/strict";
import { test } from "node:test";

import {
  anyStore,
  baseNameOf,
  digestOf,
  fromBaseName,
  nameOf,
  parseStorePath,
  storeDirectoryOf,
} from "./store-path.ts";

const base = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo-1.2.drv";

test("a path has a directory, a digest and a name", () => {
  const path = parseStorePath(`/nix/store/${base}`);
  assert.equal(storeDirectoryOf(path), "/nix/store");
  assert.equal(baseNameOf(path), base);
  assert.equal(digestOf(path), "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q");
  assert.equal(nameOf(path), "foo-1.2.drv");
  assert.equal(fromBaseName(base), path);
});

test("what is not exactly one path in the store is refused", () => {
  const digest = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q";
  const bad = [
    "",
    "/",
    base,
    `/nix/store/${base}/`,
    `/nix/store/${base}/bin`,
    `/nix/store//${base}`,
    `/nix/store/./${base}`,
    `/nix/store/../store/${base}`,
    `/nix/store2/${base}`,
    `nix/store/${base}`,
    `/nix/store/${digest}`,
    `/nix/store/${digest}-`,
    `/nix/store/${digest}-.`,
    `/nix/store/${digest}-..`,
    `/nix/store/${digest}-.-x`,
    `/nix/store/${digest}-..-x`,
    `/nix/store/${digest}-a b`,
    `/nix/store/${digest}-a\n`,
    `/nix/store/${digest}-a\0`,
    `/nix/store/${digest}-é`,
    `/nix/store/${digest}-${"a".repeat(212)}`,
    `/nix/store/${digest.replace("g", "e")}-a`,
    `/nix/store/${digest.toUpperCase()}-a`,
    `/nix/store/${digest.slice(1)}-ab`,
  ];
  for (const text of bad)
    assert.throws(() => parseStorePath(text), { code: "malformed" }, JSON.stringify(text));
  for (const name of [".a", "...", "..a", "a".repeat(211), "+-._?=0Z"])
    parseStorePath(`/nix/store/${digest}-${name}`);
});

test("any store means any canonical absolute directory", () => {
  assert.equal(storeDirectoryOf(parseStorePath(`/tmp/x/store/${base}`, anyStore)), "/tmp/x/store");
  for (const directory of ["", "relative", "/a/../b", "/a/.", "/a//b", "/a:b", "/a;b", "/a\nb"])
    assert.throws(() => parseStorePath(`${directory}/${base}`, anyStore), { code: "malformed" }, directory);
});
