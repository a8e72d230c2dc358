import type { Definition } from "./configuration/definitions.ts";

/** A definition with the file that it stands in. */
export interface PlacedDefinition {
  readonly file: string;
  readonly definition: Definition;
}

/** An entry of the target, as checks of the whole see it. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: "file" | "symlink";
  /** Where a symlink leads, as it is written. */
  readonly link: string | undefined;
}

/** What is known of the target as a whole when all files were looked at. */
export interface Tree {
  readonly entries: readonly TreeEntry[];
  /** Text of small files that checks of the whole read: flake.nix, .gitmodules, fleet.toml, … */
  readonly texts: ReadonlyMap<string, string>;
  /** First bytes of each file that was read, one a character. */
  readonly heads: ReadonlyMap<string, string>;
  /** Definitions that match the pattern of an option, as `OptionCheck.options` has them. */
  find(option: string): readonly PlacedDefinition[];
  /** Inputs of the lock file at the top; null when there is none. */
  readonly locked: readonly string[] | null;
  /** Whether one file alone is looked at: what is missing beside it is not known. */
  readonly singleFile: boolean;
}
