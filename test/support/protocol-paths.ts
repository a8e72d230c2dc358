import { createHash } from "node:crypto";
import type { PathInfo } from "../../src/nix/path-info.ts";
import { makeStorePath } from "../../src/nix/store-path.ts";
import { sha256 } from "../../src/nix/hash.ts";
import { narOf, type Tree } from "./nar-trees.ts";

const aTree: Tree = {
  type: "directory",
  entries: [
    ["bin", { type: "regular", executable: true, content: Buffer.from("#!/bin/sh\n") }],
    ["link", { type: "symlink", target: "bin" }],
  ],
};

/** A path with its archive, as a client would send it. */
export function pathWithNar(
  name: string,
  tree: Tree = aTree,
  directory = "/nix/store",
): { info: PathInfo; nar: Buffer } {
  const nar = narOf(tree);
  const narHash = { algorithm: "sha256" as const, digest: createHash("sha256").update(nar).digest() };
  const path = makeStorePath("output:out", sha256(name), name, directory);
  return {
    nar,
    info: {
      path,
      deriver: makeStorePath("text", sha256(name), `${name}.drv`, directory),
      narHash: { ...narHash, digest: Uint8Array.from(narHash.digest) },
      narSize: nar.length,
      references: [path, makeStorePath("output:out", sha256("glibc"), "glibc", directory)].sort(),
      registrationTime: 1_700_000_000,
      ultimate: false,
      signatures: [{ name: "cache-1", bytes: new Uint8Array(64).fill(7) }],
      contentAddress: null,
    },
  };
}
