import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { files } from "../../system/files.ts";
import { temporaryDirectory } from "../../../test/support/temporary.ts";
import { nixpkgsOfLock } from "./from-lock.ts";
import { closureForm, packagesOf, packagesOfDirectory } from "./read.ts";
import { packageOf } from "./store-name.ts";

const digest = (letter: string): string => letter.repeat(32);

test("names of store paths", () => {
  const cases: Readonly<Record<string, readonly [string, string] | null>> = {
    "openssl-3.0.12-bin": ["openssl", "3.0.12"],
    "openssl-3.0.12": ["openssl", "3.0.12"],
    "glibc-2.38-27-bin": ["glibc", "2.38-27"],
    "linux-6.6.8-modules-shrunk": ["linux", "6.6.8"],
    "linux-6.6.8-dev": ["linux", "6.6.8"],
    "bash-5.2-p15-man": ["bash", "5.2p15"],
    "bash-5.2p15": ["bash", "5.2p15"],
    "openssh-8.5p1": ["openssh", "8.5p1"],
    "gtk+3-3.24.38": ["gtk+3", "3.24.38"],
    "libsigc++-2.12.0": ["libsigc++", "2.12.0"],
    "foo-unstable-2023-01-01": ["foo", "0-unstable-2023-01-01"],
    "foo-unstable-2023-01-01-lib": ["foo", "0-unstable-2023-01-01"],
    "foo-1.2-unstable-2023-01-01-doc": ["foo", "1.2-unstable-2023-01-01"],
    "python3.11-requests-2.31.0": ["python3.11-requests", "2.31.0"],
    "perl5.38.2-Mojolicious-9.34": ["perl5.38.2-Mojolicious", "9.34"],
    "zlib-1.3-rc.1": ["zlib", "1.3-rc.1"],
    "unit-sshd.service": null,
    etc: null,
    "openssl-3.0.12.tar.gz": null,
    "CVE-2023-1234.patch": null,
    "nixos-system-lufta": null,
  };
  for (const [name, expected] of Object.entries(cases)) {
    const found = packageOf(name);
    assert.deepEqual(found === null ? null : [found.name, found.version], expected, name);
  }
});

test("a list of paths: outputs of one package together, the rest counted", () => {
  const { packages, others } = packagesOf(
    utf8(
      [
        `/nix/store/${digest("0")}-zlib-1.3`,
        `/nix/store/${digest("1")}-zlib-1.3-dev`,
        `/nix/store/${digest("2")}-etc`,
        "",
      ].join("\n"),
    ),
  );
  assert.equal(others, 1);
  assert.equal(packages.length, 1);
  assert.equal(packages[0]!.paths.length, 2);
  assert.equal(packages[0]!.patches, null);
  assert.throws(() => packagesOf(utf8(`/nix/store/${digest("0")}-a-1\n/etc/passwd\n`)), {
    code: "malformed",
    where: { line: 2 },
  });
});

const drv = (outputs: string, inputs: string, env: readonly (readonly [string, string])[]): string =>
  `Derive([${outputs}],[${inputs}],[],"x86_64-linux","/bin/sh",[],[${[...env]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `("${name}","${value.replaceAll('"', '\\"')}")`)
    .join(",")}])`;
const store = (letter: string, name: string): string => `/nix/store/${digest(letter)}-${name}`;
const source = drv(`("out","${store("3", "source")}","r:sha256","${"0".repeat(64)}")`, "", [
  ["urls", "https://github.com/Madler/zlib/archive/v1.3.tar.gz"],
]);
const output = (name: string): string => `("out","${store("4", name)}","","")`;
const input = `("${store("5", "source.drv")}",["out"])`;

test("derivations tell patches and the source, with plain and with structured attributes", async (context) => {
  const directory = temporaryDirectory(context);
  const patch = store("6", "CVE-2023-1234.patch");
  writeFileSync(`${directory}/${digest("5")}-source.drv`, source);
  const plain = drv(output("zlib-1.3"), input, [
    ["pname", "zlib"],
    ["version", "1.3"],
    ["patches", `${patch} ${store("7", "other.patch")}`],
    ["src", store("3", "source")],
  ]);
  writeFileSync(`${directory}/${digest("8")}-zlib-1.3.drv`, plain);
  const json = JSON.stringify({
    pname: "gnutar",
    version: "1.34",
    patches: [patch],
    src: store("3", "source"),
  });
  writeFileSync(
    `${directory}/${digest("9")}-gnutar-1.34.drv`,
    drv(output("gnutar-1.34"), input, [["__json", json]]),
  );
  const { packages, others } = await packagesOfDirectory(files, directory);
  assert.deepEqual(
    packages.map(({ name, version, patches, repository }) => ({ name, version, patches, repository })),
    [
      {
        name: "gnutar",
        version: "1.34",
        patches: ["CVE-2023-1234.patch"],
        repository: "github.com/madler/zlib",
      },
      {
        name: "zlib",
        version: "1.3",
        patches: ["CVE-2023-1234.patch", "other.patch"],
        repository: "github.com/madler/zlib",
      },
    ],
  );
  assert.equal(others, 1, "the download");
  writeFileSync(`${directory}/${digest("a")}-bad-1.drv`, "Derive(");
  await assert.rejects(packagesOfDirectory(files, directory), {
    code: "malformed",
    where: { file: `${directory}/${digest("a")}-bad-1.drv`, offset: 7 },
  });
});

test("path-info and derivations as JSON", () => {
  const hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  const info = [{ path: store("4", "zlib-1.3"), narHash: hash, narSize: 1, references: [], valid: true }];
  assert.equal(packagesOf(utf8(JSON.stringify(info))).packages[0]!.name, "zlib");
  const derivation = {
    outputs: { out: { path: store("4", "zlib-1.3") } },
    inputSrcs: [],
    inputDrvs: {},
    system: "s",
    builder: "b",
    args: [],
    env: { pname: "zlib", version: "1.3", patches: "" },
  };
  assert.deepEqual(
    packagesOf(utf8(JSON.stringify({ [store("8", "zlib-1.3.drv")]: derivation }))).packages[0]!.patches,
    [],
  );
});

test("bills of materials", () => {
  const cyclonedx = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    components: [
      {
        name: "zlib",
        version: "1.3",
        purl: "pkg:nix/zlib@1.3",
        cpe: "cpe:2.3:a:zlib:zlib:1.3:*:*:*:*:*:*:*",
        pedigree: { patches: [{ type: "backport", resolves: [{ id: "CVE-2023-1234" }] }] },
        properties: [{ name: "nix:output_path", value: store("4", "zlib-1.3") }],
        components: [{ name: "inner", version: "2" }],
      },
    ],
  };
  const found = packagesOf(utf8(JSON.stringify(cyclonedx))).packages;
  assert.deepEqual(
    found.map(({ name }) => name),
    ["inner", "zlib"],
  );
  assert.deepEqual(found[1]!.patches, ["CVE-2023-1234"]);
  assert.deepEqual(found[1]!.paths, [store("4", "zlib-1.3")]);
  const spdx = {
    spdxVersion: "SPDX-2.3",
    packages: [
      {
        name: "zlib",
        versionInfo: "1.3",
        externalRefs: [
          {
            referenceCategory: "PACKAGE-MANAGER",
            referenceType: "purl",
            referenceLocator: "pkg:nix/zlib@1.3",
          },
        ],
      },
    ],
  };
  assert.deepEqual(packagesOf(utf8(JSON.stringify(spdx))).packages[0]!.purls, ["pkg:nix/zlib@1.3"]);
  const deep = Array.from({ length: 200 }).reduce<object>(
    (inner) => ({ name: "x", version: "1", components: [inner] }),
    { name: "x", version: "1" },
  );
  assert.throws(() => packagesOf(utf8(JSON.stringify({ bomFormat: "CycloneDX", components: [deep] }))), {
    code: "malformed",
  });
});

test("a lock names its nixpkgs", () => {
  const node = (owner: string, rev: string) => ({ locked: { type: "github", owner, repo: "nixpkgs", rev } });
  const lock = {
    version: 7,
    root: "root",
    nodes: { root: {}, nixpkgs: node("NixOS", "a".repeat(40)), fork: node("me", "b".repeat(40)) },
  };
  assert.deepEqual(nixpkgsOfLock(utf8(JSON.stringify(lock))), [
    { node: "nixpkgs", revision: "a".repeat(40) },
    { node: "fork", revision: "b".repeat(40) },
  ]);
  const others = {
    channel: { locked: { type: "tarball", url: "https://channels.nixos.org/nixos-26.05/nixexprs.tar.xz" } },
    mirror: { locked: { type: "git", url: "https://git.example.org/mirror/nixpkgs.git", rev: "zz" } },
    hardware: { locked: { type: "github", owner: "NixOS", repo: "nixos-hardware", rev: "c".repeat(40) } },
  };
  assert.deepEqual(nixpkgsOfLock(utf8(JSON.stringify({ ...lock, nodes: others }))), [
    { node: "channel", revision: "" },
    { node: "mirror", revision: "" },
  ]);
  assert.throws(() => nixpkgsOfLock(utf8('{"version":99,"nodes":{}}')), { code: "malformed" });
});

test("a closure that is cut off, empty or begins with a warning is none, and nothing else either", () => {
  const path = `/nix/store/${"0".repeat(32)}-vim-9.0`;
  for (const text of [
    `warning: x\n${path}\n`,
    '{"bomFormat":"CycloneDX","components":[{"na',
    '{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}',
    '{"spdxVersion":"SPDX-2.3","packages":[]}',
    `{"${path}":{"narHash":`,
    `[{"deriver":"${path}.drv","path":`,
    `{"version":4,"derivations":{`,
    `{"${path.slice(11)}.drv":{"args":`,
  ]) {
    assert.throws(() => packagesOf(utf8(text)), { code: "malformed" }, text);
    // Nobody takes it for a file that is no closure.
    try {
      assert.notEqual(closureForm(utf8(text)), null, text);
    } catch (error) {
      assert.ok(error instanceof NixsealError, text);
    }
  }
  for (const text of ["[ /nix/store ]", "{ pkgs }: pkgs.vim", '{"name":"x","dependencies":{', "# notes\n"])
    assert.equal(closureForm(utf8(text)), null, text);
});

test("whatever is read, it ends in packages or in an error of ours", () => {
  const seeds = [
    `/nix/store/${digest("0")}-zlib-1.3\n`,
    '{"bomFormat":"CycloneDX","components":[{"name":"a","version":"1"}]}',
    '{"spdxVersion":"SPDX-2.3","packages":[{"name":"a"}]}',
    "[]",
    "{}",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.nat(), fc.string({ maxLength: 3 }), (seed, place, piece) => {
      const at = place % (seed.length + 1);
      const text = seed.slice(0, at) + piece + seed.slice(at + 1);
      try {
        packagesOf(utf8(text));
      } catch (error) {
        assert.ok(error instanceof NixsealError && error.code !== "bug", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
