import type { LeftOut } from "../report.ts";

export interface TargetEntry {
  /** Relative to the target, with `/` between names. */
  readonly path: string;
  readonly kind: "file" | "symlink";
  readonly size: number;
  /** Where a symlink leads, as it is written. It is never followed. */
  readonly link: string | undefined;
}

/** Something of a target that no check sees. */
export interface UnseenEntry extends LeftOut {
  /** Anything may lie there, also what Nix reads: that is a finding, and not just a line of the report. */
  readonly hides?: boolean;
}

/** What is audited: a list of files, and a way to read each. Nothing of it is run, and no link is followed. */
export interface Target {
  readonly entries: readonly TargetEntry[];
  /** What lies in it and is not among the entries. */
  readonly leftOut: readonly UnseenEntry[];
  /** Whether a limit cut the list of entries short. */
  readonly cut: boolean;
  readonly singleFile: boolean;
  /** A bare repository of ours with the commit that is looked at; null where there is none. */
  readonly repository: string | null;
  /** Up to `limit` bytes (default: `limits.file`); error `limit` for more. */
  read(entry: TargetEntry, limit?: number): Promise<Uint8Array>;
  /** Removes what was made to read it. */
  close(): Promise<void>;
}
