import { NixsealError } from "../core/errors.ts";

export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * What operators of one fleet share while they work: leases, rollouts, receipts, the log. A small ordered map with
 * one way to write, compare-and-swap, so that two operators never undo each other's work unseen. Whoever can write
 * here is trusted for nothing: every decision rests on signatures and on tokens that hosts check.
 *
 * Values are compared as bytes: a value that went away and came back counts as unchanged, so writers put
 * something of their own (a counter, a time, a digest) into each value.
 */
export interface State {
  /** Null when there is nothing. */
  get(key: string): Promise<Uint8Array | null>;
  /** Those whose key begins with `prefix`, by key in code units; at most `limit`. */
  list(
    prefix: string,
    options: {
      readonly limit: number;
      /** Only keys behind (with `descending`: before) this one. */
      readonly after?: string | undefined;
      readonly order?: "ascending" | "descending" | undefined;
    },
  ): Promise<StateEntry[]>;
  /**
   * Writes `next` (null: removes) if the value still is `expected` (null: nothing is there). False, with nothing
   * written, when it is not. When it resolves to true the value is on disk. An error leaves open whether it was
   * written: read again.
   */
  swap(key: string, expected: Uint8Array | null, next: Uint8Array | null): Promise<boolean>;
}

/** Bytes of a value. etcd takes 1.5 MiB in a request by default, in base64 that is 1 MiB. */
export const largestValue = 512 << 10;
const longestKey = 200;

/** `bug` for keys that some engine could not keep: `a/b-1.json`, no empty parts, none that begins with a dot. */
export function checkKey(key: string): void {
  if (
    key.length > longestKey ||
    !/^[A-Za-z0-9@][A-Za-z0-9@._:-]*(\/[A-Za-z0-9@][A-Za-z0-9@._:-]*)*$/.test(key)
  )
    throw new NixsealError("bug", `'${key.slice(0, longestKey)}' is no key of the shared state`);
}

export function checkValue(key: string, value: Uint8Array): void {
  if (value.length > largestValue)
    throw new NixsealError("limit", `${key}: ${value.length} bytes, at most ${largestValue} can be kept`);
}
