/** The first string of every archive. */
export const narMagic = "nix-archive-1";

/** Names and targets are bytes: Linux demands no encoding, and neither does Nix. The root's name is empty. */
export type NarEvent =
  /** Entries follow, then `end`. */
  | { readonly type: "directory"; readonly name: Uint8Array }
  | { readonly type: "end" }
  /** `content` events follow that add up to `size`; `offset` is where the content starts in the archive. */
  | {
      readonly type: "file";
      readonly name: Uint8Array;
      readonly executable: boolean;
      readonly size: number;
      readonly offset: number;
    }
  | { readonly type: "content"; readonly bytes: Uint8Array }
  | { readonly type: "symlink"; readonly name: Uint8Array; readonly target: Uint8Array };

export interface NarLimits {
  /** Directories inside each other. */
  readonly depth: number;
  /** Bytes of one file name. */
  readonly name: number;
  /** Bytes of a symlink's target. */
  readonly target: number;
  /** Bytes of one file. */
  readonly size: number;
}

/**
 * Name and target are what Linux can hold and what newer Nix checks too. More than 2,048 levels cannot be
 * reached by a path (PATH_MAX is 4,096); newer Nix refuses 64 already. Sizes are exact as numbers up to 2^53.
 */
export const defaultNarLimits: NarLimits = {
  depth: 2048,
  name: 255,
  target: 4095,
  size: Number.MAX_SAFE_INTEGER,
};
