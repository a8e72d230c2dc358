/** The places that watching touches, each with the prefix of `--root`. */
export interface WatchLayout {
  /** The empty string, or the absolute path of `--root` without a slash at its end. */
  readonly root: string;
  /** What was accepted of the feed. */
  readonly advisories: string;
  /** What there is to know, for everybody to read. */
  readonly notices: string;
  /** The same as text, ready for a shell to print. */
  readonly text: string;
  /** A file of a unit's name keeps systemd from starting that unit: docs/watch.md, "What a stop is". */
  readonly held: string;
  /** A file for each unit that may start again and was not started yet. */
  readonly released: string;
  /** A file for each unit that somebody started again by hand. */
  readonly allowed: string;
  readonly lock: string;
}

/** Without the prefix; both are made where they are missing, mode 0755. */
export const stateDirectory = "/var/lib/nixseal";
export const runtimeDirectory = "/run/nixseal-watch";

export const configurationFile = "/etc/nixseal/watch.json";
export const noticesFile = `${stateDirectory}/notices.json`;
export const noticesTextFile = `${stateDirectory}/notices.txt`;

export function layoutOf(root: string): WatchLayout {
  const state = `${root}${stateDirectory}`;
  return {
    root,
    advisories: `${state}/advisories`,
    notices: `${root}${noticesFile}`,
    text: `${root}${noticesTextFile}`,
    held: `${state}/held`,
    released: `${state}/released`,
    allowed: `${state}/allowed`,
    // In memory: a full disk must not keep anybody from watching.
    lock: `${root}${runtimeDirectory}/lock`,
  };
}
