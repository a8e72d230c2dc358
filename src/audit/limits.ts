/** What an audit takes from a target that may be hostile. What is beyond a limit is left out, and the report says so. */
export const limits = {
  /** Files and symlinks; a million of them would keep an audit busy for an hour. */
  entries: 100_000,
  /** Directories inside each other. */
  depth: 64,
  /** Characters of a path. */
  path: 4096,
  /** Bytes of one file that are looked at. */
  file: 4 << 20,
  /** Bytes of all files together. */
  total: 512 << 20,
  /** Bytes of a workflow: YAML is slow to read. */
  workflow: 128 << 10,
  /** Bytes of all workflows: a broken one takes time that grows with the square of its size. */
  workflows: 1 << 20,
  /** Findings of one check and severity in one file: the next ones say nothing new. */
  findings: 50,
  /** Findings of a whole report, and of one severity while it is made. */
  report: 20_000,
  /** Steps of evaluation for one Nix file. */
  steps: 200_000,
  /** Bytes of a waivers file, and how many waivers are read. */
  waiversFile: 1 << 20,
  waivers: 2_000,
  /** Milliseconds for a clone, bytes of its pack. */
  cloneTime: 120_000,
  clonePack: 512 << 20,
  /** Bytes of the list of a commit's files. */
  treeList: 64 << 20,
} as const;
