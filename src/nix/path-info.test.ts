import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";

import { StockNix } from "../../test/support/stock-nix.ts";
import { formatContentAddress } from "./content-address.ts";
import { formatHash } from "./hash.ts";
import { parsePathInfos } from "./path-info.ts";
import { formatNamed } from "./signing-key.ts";

const nix = new StockNix();
after(() => nix.remove());

const foo = "n5wkd9frr45pa74if5gpz9j7mifg27fh-foo";
const bar = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-bar";
const sri = "sha256-FePFYIlMuycIXPZbWi7LGEiMmZSX9FMbaQenWBzm1Sc=";
const signature = `asdf:${"A".repeat(86)}==`;
const full = (name: string): string => `/nix/store/${name}`;

const text = {
  ca: "fixed:r:sha256:1lr187v6dck1rjh2j6svpikcfz53wyl3qrlcbb405zlh13x0khhh",
  deriver: full(`${bar}.drv`),
  narHash: sri,
  narSize: 34878,
  references: [full(bar), full(foo)],
  registrationTime: 23423,
  signatures: [signature],
  ultimate: true,
};
const structured = {
  ...text,
  ca: { hash: "sha256-EMIJ+giQ/gLIWoxmPKjno3zHZrxbGymgzGGyZvZBIdM=", method: "nar" },
  deriver: `${bar}.drv`,
  references: [bar, foo],
};

/** Values and shapes of src/libstore-tests/data/path-info of Nix, wrapped as each version prints them. */
const versions: Readonly<Record<string, unknown>> = {
  "a list, up to 2.18": [
    { path: full(foo), ...text },
    { path: full(bar), valid: false },
  ],
  "with the hash as Nix 2.3 has it": [
    { path: full(foo), ...text, narHash: "sha256:09ymwqf5i9q7d4dm7x4pjjcqqj0qrcp5lnznbh42gfsci5hcbqqm" },
  ],
  "a map, since 2.19": { [full(foo)]: text, [full(bar)]: null },
  "version 1": { [full(foo)]: { ...text, version: 1, storeDir: "/nix/store", closureSize: 1 } },
  "version 2": {
    version: 2,
    storeDir: "/nix/store",
    info: { [foo]: { ...structured, version: 2 }, [bar]: null },
  },
  "version 3": {
    version: 3,
    storeDir: "/nix/store",
    info: {
      [foo]: { ...structured, version: 3, signatures: [{ keyName: "asdf", sig: `${"A".repeat(86)}==` }] },
    },
  },
};

for (const [version, document] of Object.entries(versions))
  test(`the same information from ${version}`, () => {
    const infos = parsePathInfos(JSON.stringify(document));
    assert.equal(infos.length, 1);
    const [info] = infos;
    assert.equal(info!.path, full(foo));
    assert.equal(formatHash(info!.narHash, "sri"), sri);
    assert.equal(info!.narSize, 34878);
    assert.deepEqual(info!.references, [full(bar), full(foo)]);
    assert.equal(info!.deriver, full(`${bar}.drv`));
    assert.deepEqual(info!.signatures.map(formatNamed), [signature]);
    assert.equal(formatContentAddress(info!.contentAddress!), text.ca);
    assert.equal(info!.registrationTime, 23423);
    assert.equal(info!.ultimate, true);
  });

test("what may be absent or null is", () => {
  const empty = {
    ca: null,
    deriver: null,
    narHash: sri,
    narSize: 0,
    references: [],
    registrationTime: null,
    signatures: [],
    ultimate: false,
  };
  const bare = { narHash: sri, narSize: 0, references: [] };
  for (const info of [empty, bare]) {
    const [parsed] = parsePathInfos(JSON.stringify({ [full(foo)]: info }));
    assert.deepEqual(
      [
        parsed!.contentAddress,
        parsed!.deriver,
        parsed!.registrationTime,
        parsed!.signatures,
        parsed!.ultimate,
      ],
      [null, null, null, [], false],
    );
  }
});

test("what stock Nix prints", () => {
  writeFileSync(nix.path("file"), "x");
  const path = nix.text("nix-store", "--add", "file");
  const [info] = parsePathInfos(nix.text("nix", "path-info", "--json", path), nix.storeDirectory);
  assert.equal(info!.path, path);
  assert.equal(
    `sha256:${formatHash(info!.narHash, "nix32")}`,
    nix.text("nix-store", "--query", "--hash", path),
  );
  assert.deepEqual(parsePathInfos(nix.text("nix", "path-info", "--json", path), nix.storeDirectory)[0], info);
});

test("wrong documents are malformed and say where", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [null, /path info/],
    [3, /path info/],
    [[3], /\[0\]/],
    [[{ ...text }], /\[0\]\.path/],
    [[{ path: "/tmp/x", ...text }], /\[0\]\.path/],
    [{ [foo]: text }, /name of/],
    [{ [full(foo)]: 3 }, /narSize|object/],
    [{ [full(foo)]: { ...text, narSize: -1 } }, /narSize/],
    [{ [full(foo)]: { ...text, narSize: "1" } }, /narSize/],
    [{ [full(foo)]: { ...text, narSize: 2 ** 60 } }, /narSize/],
    [{ [full(foo)]: { ...text, references: [foo] } }, /references\[0\]/],
    [{ [full(foo)]: { ...text, narHash: "x" } }, /narHash/],
    [{ [full(foo)]: { ...text, ca: 1 } }, /\.ca/],
    [{ [full(foo)]: { ...text, signatures: [{ keyName: "a", sig: 1 }] } }, /sig/],
    [{ version: 4, storeDir: "/nix/store", info: {} }, /version/],
    [{ version: 2, storeDir: "/other", info: {} }, /storeDir/],
    [{ version: 2, storeDir: "/nix/store", info: { [full(foo)]: structured } }, /name of/],
    [{ version: 2, storeDir: "/nix/store", info: { [foo]: text } }, /references|ca/],
    [
      {
        version: 2,
        storeDir: "/nix/store",
        info: { [foo]: { ...structured, ca: { method: "git", hash: sri } } },
      },
      /method/,
    ],
  ];
  for (const [document, message] of bad)
    assert.throws(
      () => parsePathInfos(JSON.stringify(document)),
      { code: "malformed", message },
      JSON.stringify(document),
    );
  assert.throws(() => parsePathInfos("{"), { code: "malformed" });
  assert.throws(() => parsePathInfos("[".repeat(1e6)), { code: "malformed" });
});
