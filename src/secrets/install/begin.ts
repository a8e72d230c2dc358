/** The beginning of a run, which may have to be made anew: values are decrypted before the lock is there. */
import { sameBytes } from "../../core/bytes.ts";
import type { ReadManifest } from "../manifest-check.ts";
import { formatPushed, withPushed, type Pushed } from "../pushed.ts";
import type { Decrypted } from "./prepare.ts";

/** Values that came after the system did, and where they lie. */
export interface PushedStore {
  /** With the prefix of the root, without symlinks. */
  readonly directory: string;
  readonly values: Pushed;
}

export interface Begun {
  readonly read: ReadManifest;
  readonly decrypting: Promise<Decrypted>;
}

export function beginner(
  found: ReadManifest,
  decrypt: (read: ReadManifest) => Promise<Decrypted>,
): (store: PushedStore | undefined) => Begun {
  return (store) => {
    const read = store === undefined ? found : withPushed(found, store.values, store.directory);
    return { read, decrypting: decrypt(read) };
  };
}

/** Of two runs the one that waited for the lock would else put back what the other has just replaced. */
export async function instead(former: Promise<Decrypted>, begin: () => Begun): Promise<Begun> {
  await former.then(wipe, () => undefined);
  return begin();
}

export function wipe({ outcome }: Decrypted): void {
  for (const { value } of outcome.good) value.wipe();
}

export function isSame(one: PushedStore | undefined, other: PushedStore | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.directory === other.directory && sameBytes(formatPushed(one.values), formatPushed(other.values));
}
