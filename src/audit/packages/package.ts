/** A package as far as a closure tells it, whatever the closure came as. */
export interface Package {
  /** As nixpkgs spells it (`pname`). */
  readonly name: string;
  readonly version: string;
  /** Store paths of its outputs that are there. */
  readonly paths: readonly string[];
  /** File names of patches that were applied. Null where nobody can know: a store path does not say. */
  readonly patches: readonly string[] | null;
  readonly cpes: readonly string[];
  readonly purls: readonly string[];
  /** `host/owner/name` of the source. */
  readonly repository: string | null;
}

export interface Inventory {
  readonly packages: readonly Package[];
  /** What has no version, and so is no release of anything: configuration, scripts, sources. */
  readonly others: number;
}

/** Ten times of what the largest systems have. */
export const inventoryLimits = { paths: 200_000, bytes: 512 << 20 } as const;
