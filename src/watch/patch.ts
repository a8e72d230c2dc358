/**
 * Brings the host to a system that is signed and waiting. `isRid` says of the paths of a closure whether nothing is in it
 * that hosts may act on.
 */
export type Patch = (
  isRid: (paths: readonly string[]) => boolean,
) => Promise<{ readonly done: boolean; readonly reason: string }>;
