import { testFixtures, type FileTree } from "../../../test/support/audit.ts";
import { lockChecks } from "./lck.ts";

const hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const rev = "0123456789abcdef0123456789abcdef01234567";
const seconds = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000;
const nixpkgs = {
  type: "github",
  owner: "NixOS",
  repo: "nixpkgs",
  rev,
  narHash: hash,
  lastModified: seconds("2026-05-20"),
};

/** A lock file with one direct input each; `original` is what flake.nix asks for. */
function lock(...inputs: { locked: object; original?: object; direct?: boolean }[]): FileTree {
  const nodes: Record<string, object> = {};
  const direct: Record<string, string> = {};
  inputs.forEach(({ locked, original = {}, direct: own = true }, index) => {
    const name = index === 0 ? "nixpkgs" : `nixpkgs_${index}`;
    nodes[name] = { locked, original };
    if (own) direct[name] = name;
  });
  return {
    "flake.lock": JSON.stringify(
      { nodes: { ...nodes, root: { inputs: direct } }, root: "root", version: 7 },
      null,
      2,
    ),
  };
}

const nix = (text: string): FileTree => ({ "x.nix": text });

testFixtures(lockChecks, {
  LCK001: {
    bad: [lock({ locked: { ...nixpkgs, lastModified: seconds("2025-11-01") } })],
    good: [lock({ locked: nixpkgs }), lock({ locked: { ...nixpkgs, lastModified: seconds("2026-04-10") } })],
  },
  LCK002: {
    bad: [
      lock({ locked: { ...nixpkgs, type: "git", url: "http://git.example.org/x" } }),
      lock({
        locked: { type: "tarball", url: "https://a/x.tar", narHash: hash },
        original: { url: "git+http://a/x" },
      }),
    ],
    good: [lock({ locked: { ...nixpkgs, type: "git", url: "https://git.example.org/x" } })],
  },
  LCK003: {
    bad: [
      lock({ locked: { ...nixpkgs, narHash: undefined } }),
      lock({ locked: { ...nixpkgs, rev: undefined } }),
    ],
    good: [
      lock({ locked: nixpkgs }),
      lock({ locked: { type: "path", path: "/x" } }),
      lock({ locked: { type: "tarball", url: "https://x", narHash: hash } }),
    ],
  },
  LCK004: {
    bad: [lock({ locked: nixpkgs, original: { id: "nixpkgs", type: "indirect" } })],
    good: [lock({ locked: nixpkgs, original: { type: "github" } })],
  },
  LCK005: {
    bad: [
      lock({ locked: nixpkgs, original: { ref: "nixos-25.05" } }),
      lock({ locked: nixpkgs, original: { ref: "release-24.11" } }),
    ],
    good: [
      lock({ locked: nixpkgs, original: { ref: "nixos-25.11" } }),
      lock({ locked: nixpkgs, original: { ref: "nixos-unstable" } }),
    ],
  },
  LCK006: {
    bad: [lock({ locked: nixpkgs }, { locked: nixpkgs, direct: false }, { locked: nixpkgs, direct: false })],
    good: [lock({ locked: nixpkgs }, { locked: nixpkgs })],
  },
  LCK007: {
    bad: [
      nix('fetchTarball "https://x/a.tar.gz"'),
      nix('builtins.fetchTarball { url = "https://x"; }'),
      nix('builtins.fetchGit { url = "https://x"; ref = "main"; }'),
      nix('builtins.getFlake "github:a/b"'),
      nix('builtins.fetchurl "https://x"'),
    ],
    good: [
      nix('fetchTarball { url = "https://x"; sha256 = "a"; }'),
      nix('builtins.fetchGit { url = "https://x"; rev = "a"; }'),
      nix('pkgs.fetchurl { url = "https://x"; hash = "a"; }'),
      nix(`builtins.getFlake "github:a/b/${rev}"`),
      nix("{ url, hash }@args: builtins.fetchTarball args"),
    ],
  },
  LCK008: {
    bad: [nix("import <nixpkgs> { }")],
    good: [nix("import <nix/fetchurl.nix>"), nix("import ./nixpkgs { }")],
  },
});
