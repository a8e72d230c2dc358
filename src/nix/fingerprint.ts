import { NixsealError } from "../core/errors.ts";
import { typedNix32, type Hash } from "./hash.ts";
import { byPath, type StorePath } from "./store-path.ts";

/** What a signature on a store path speaks of. */
export interface Signed {
  readonly path: StorePath;
  readonly narHash: Hash;
  /** Bytes. */
  readonly narSize: number;
  /** With the path itself where it refers to itself. */
  readonly references: readonly StorePath[];
}

/**
 * The text that a signature on a store path covers (`ValidPathInfo::fingerprint` of Nix):
 * `1;<path>;sha256:<nix32>;<size>;<references, sorted, comma>`. Nothing else is covered: no deriver, time,
 * host or purpose. Throws `malformed` where Nix would not sign: a size of zero or another hash than SHA-256.
 */
export function fingerprint({ path, narHash, narSize, references }: Signed): string {
  if (narHash.algorithm !== "sha256")
    throw new NixsealError("malformed", `a NAR hash is sha256, not ${narHash.algorithm}`);
  if (!Number.isSafeInteger(narSize) || narSize <= 0)
    throw new NixsealError("malformed", `${narSize} is not the size of a NAR`);
  const sorted = [...new Set(references)].sort(byPath);
  return ["1", path, typedNix32(narHash), narSize, sorted.join(",")].join(";");
}
