import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";

import { StockNix } from "../../test/support/stock-nix.ts";
import { contentAddressedPath, formatContentAddress, parseContentAddress } from "./content-address.ts";
import { fixedOutputPath } from "./content-address.ts";
import { nameOf, parseStorePath, type StorePath } from "./store-path.ts";

const nix = new StockNix();
after(() => nix.remove());

interface Info {
  path: string;
  ca: string;
  references: string[];
}

test("the path of everything that Nix addresses by content is the one that we compute", () => {
  writeFileSync(nix.path("file"), "some content");
  nix.text("nix-store", "--add", "file");
  for (const algorithm of ["sha256", "sha1", "md5", "sha512"])
    nix.text("nix-store", "--add-fixed", algorithm, "file");
  nix.text("nix-store", "--add-fixed", "--recursive", "sha256", "file");
  const expression = `let a = builtins.toFile "a" "1"; b = builtins.toFile "b" "\${a}";
    d = derivation { name = "d"; system = "x"; builder = "/bin/sh"; args = [ a b ]; };
    in derivation { name = "e"; system = "x"; builder = "/bin/sh"; inherit d; f = ./file; }`;
  nix.text("nix-instantiate", "--expr", expression);
  const infos = nix.json("nix", "path-info", "--all", "--json") as Info[];
  assert.ok(infos.length >= 8);
  let withReferences = 0;
  for (const info of infos) {
    const address = parseContentAddress(info.ca);
    assert.equal(formatContentAddress(address), info.ca);
    const path = parseStorePath(info.path, nix.storeDirectory);
    const others = info.references.map((reference) => parseStorePath(reference, nix.storeDirectory));
    const compute = (references: StorePath[]): StorePath =>
      contentAddressedPath(nameOf(path), address, { others: references, self: false }, nix.storeDirectory);
    if (address.hash.algorithm !== "sha256") {
      assert.throws(() => compute(others), { code: "malformed" });
      assert.equal(fixedOutputPath(nameOf(path), address, nix.storeDirectory), path);
      continue;
    }
    assert.equal(compute(others), path);
    assert.equal(compute(others.toReversed().concat(others)), path);
    if (others.length > 0) {
      withReferences++;
      assert.notEqual(compute(others.slice(1)), path);
    }
  }
  assert.ok(withReferences >= 3);
});

test("a self-reference is part of the path: stock make-content-addressed agrees", () => {
  const built = nix.text(
    "nix-build",
    "--no-out-link",
    "--expr",
    `derivation { name = "self"; system = builtins.currentSystem; builder = "/bin/sh"; args = ["-c" "echo $out > $out"]; }`,
  );
  const rewritten = nix.json("nix", "store", "make-content-addressed", "--json", built) as {
    rewrites: Record<string, string>;
  };
  const path = rewritten.rewrites[built]!;
  const [info] = nix.json("nix", "path-info", "--json", path) as Info[];
  assert.deepEqual(info!.references, [path]);
  const address = parseContentAddress(info!.ca);
  assert.equal(contentAddressedPath("self", address, { others: [], self: true }, nix.storeDirectory), path);
  assert.notEqual(
    contentAddressedPath("self", address, { others: [], self: false }, nix.storeDirectory),
    path,
  );
});

test("what no path comes from is refused", () => {
  const digest = "1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh";
  const other = parseStorePath("/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar");
  const path = (text: string, others: StorePath[], self: boolean): StorePath =>
    contentAddressedPath("x", parseContentAddress(text), { others, self });
  assert.throws(() => path(`text:sha256:${digest}`, [], true), { code: "malformed" });
  assert.throws(() => path(`fixed:sha256:${digest}`, [other], false), { code: "malformed" });
  assert.throws(() => path(`fixed:sha256:${digest}`, [], true), { code: "malformed" });
  path(`fixed:r:sha256:${digest}`, [other], true);
  path(`text:sha256:${digest}`, [other], false);
  const bad = [
    "",
    digest,
    `sha256:${digest}`,
    `fixed:${digest}`,
    `fixed:r:r:sha256:${digest}`,
    `text:r:sha256:${digest}`,
  ];
  bad.push(
    `fixed:git:sha256:${digest}`,
    `fixed:sha256:${digest} `,
    `fixed:sha256-${digest}`,
    `fixed:sha256:${digest.slice(1)}`,
  );
  bad.push("fixed:sha256:EMIJ+giQ/gLIWoxmPKjno3zHZrxbGymgzGGyZvZBIdM=");
  for (const text of bad) assert.throws(() => parseContentAddress(text), { code: "malformed" }, text);
});
