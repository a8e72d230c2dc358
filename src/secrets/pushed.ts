/** Values that came after the system did: which of them stand in for those that a manifest names. Pure. */
import { utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { list, object, oneOf, wrong, type Check } from "../core/shape.ts";
import type { ReadManifest } from "./manifest-check.ts";
import { digestCheck, nameCheck } from "./manifest-fields.ts";
import { manifestLimits, type Manifest } from "./manifest.ts";

export interface PushedValue {
  readonly name: string;
  /** Of the ciphertext, which lies beside as `DIGEST.age`. */
  readonly digest: string;
  /** The ciphertexts that it came after. */
  readonly replaces: readonly string[];
}

export interface Pushed {
  readonly v: 1;
  /** Of the newest order that was followed. */
  readonly seq: number;
  /** Sorted by name. */
  readonly values: readonly PushedValue[];
}

export const nothingPushed: Pushed = { v: 1, seq: 0, values: [] };
/** Bytes. */
export const pushedLimit = 64 << 20;
/** The newest are kept: a system from longer ago counts as a new one. */
const mostReplaced = 1024;

const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(path, "a whole number", value);
};

const shape = object<Pushed>({
  v: oneOf(1),
  seq: count,
  values: list(
    object<PushedValue>({ name: nameCheck, digest: digestCheck, replaces: list(digestCheck, mostReplaced) }),
    manifestLimits.secrets,
  ),
});

/** Throws `malformed`, or `config` or `limit` with the place. */
export function parsePushed(bytes: Uint8Array): Pushed {
  const written = utf8Text(bytes, "the pushed values");
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (cause) {
    throw new NixsealError("malformed", "the list of pushed values is not JSON", { cause });
  }
  return shape(value, "$");
}

/** Canonical JSON and a line end. */
export function formatPushed({ v, seq, values }: Pushed): Uint8Array {
  const written = values.map((one) => ({ ...one, replaces: [...one.replaces] }));
  return utf8(`${canonicalJson({ v, seq, values: written })}\n`);
}

/** Throws `limit` for a list that could be written and never read again: the host would be without all that was pushed. */
export function checkPushed(pushed: Pushed): void {
  if (pushed.values.length <= manifestLimits.secrets && formatPushed(pushed).length <= pushedLimit) return;
  throw new NixsealError("limit", "there is no room for more pushed values on this host", {
    hint: "activate a system with the newest values; when all orders have ended, remove /var/lib/nixseal/secrets on the host",
  });
}

export function pushedFile(directory: string, digest: string): string {
  return `${directory}/${digest}.age`;
}

/**
 * The manifest with pushed values in place of those that they came after. A ciphertext that no order knew of is newer, so that the
 * system's counts. Secrets of the stage `users` come with the system alone: users are made before anything of ours is there.
 */
export function withPushed(read: ReadManifest, pushed: Pushed, directory: string): ReadManifest {
  const byName = new Map(pushed.values.map((one) => [one.name, one]));
  const secrets = read.manifest.secrets.map((secret) => {
    const value = byName.get(secret.name);
    if (value === undefined || secret.stage !== "default" || !value.replaces.includes(secret.digest))
      return secret;
    return { ...secret, digest: value.digest, source: pushedFile(directory, value.digest) };
  });
  return { ...read, manifest: { ...read.manifest, secrets } };
}

/**
 * What is pushed after an order. What a value replaces is what the order says, and on top of it all that this host had in its place:
 * what its system brings now, and what was pushed before.
 */
export function pushedAfter(
  before: Pushed,
  seq: number,
  ordered: readonly PushedValue[],
  manifest: Pick<Manifest, "secrets">,
): Pushed {
  const byName = new Map(before.values.map((one) => [one.name, one]));
  for (const { name, digest, replaces } of ordered) {
    const former = byName.get(name);
    const here = manifest.secrets.filter((secret) => secret.name === name).map((secret) => secret.digest);
    const all = [
      ...replaces,
      ...(former?.replaces ?? []),
      ...(former === undefined ? [] : [former.digest]),
      ...here,
    ];
    const others = [...new Set(all)].filter((one) => one !== digest);
    byName.set(name, { name, digest, replaces: others.slice(-mostReplaced) });
  }
  const values = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { v: 1, seq, values };
}
