/** The next version of a root, and what it changes in words that a signer can judge. Pure. */
import { NixsealError } from "../../core/errors.ts";
import type { SelectorEntry } from "../../inventory/selector-entry.ts";
import type { Fingerprint, PublicKey } from "../../ssh/public-key.ts";
import { encodeRoot, formatTime, inconsistency, parseRoot, type Root } from "./root.ts";

/** What is not named stays as it is. */
export interface RootChange {
  readonly expires: Date;
  readonly addRootKeys: readonly PublicKey[];
  readonly removeRootKeys: readonly Fingerprint[];
  readonly threshold?: number | undefined;
  readonly addCaKeys: readonly PublicKey[];
  readonly removeCaKeys: readonly Fingerprint[];
  readonly warrantThreshold?: number | undefined;
  readonly groups: ReadonlyMap<string, readonly SelectorEntry[]>;
  readonly removeGroups: readonly string[];
  readonly groupThresholds: ReadonlyMap<string, number>;
  readonly addUpstream: readonly string[];
  readonly removeUpstream: readonly string[];
  readonly nextEpoch: boolean;
}

/** The version after `root`. `usage` for a change that is none or does not hold together. */
export function changedRoot(root: Root, change: RootChange): Root {
  const removed = change.removeGroups.map((group) =>
    required(root.groups.has(group), group, `group '${group}'`),
  );
  const without = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
    [...map].filter(([group]) => !removed.includes(group));
  return checkedRoot({
    version: root.version + 1,
    fleet: root.fleet,
    expires: change.expires,
    root: {
      keys: [...withoutKeys(root.root.keys, change.removeRootKeys), ...change.addRootKeys],
      threshold: change.threshold ?? root.root.threshold,
    },
    ca: { keys: [...withoutKeys(root.ca.keys, change.removeCaKeys), ...change.addCaKeys] },
    warrant: {
      threshold: change.warrantThreshold ?? root.warrant.threshold,
      groups: new Map([...without(root.warrant.groups), ...change.groupThresholds]),
    },
    upstream: [
      ...root.upstream.filter((key) => !change.removeUpstream.includes(key)),
      ...change.addUpstream.filter((key) => !root.upstream.includes(key)),
    ],
    groups: new Map([...without(root.groups), ...change.groups]),
    gateEpoch: root.gateEpoch + (change.nextEpoch ? 1 : 0),
  });
}

/** A root that a reader will accept; `usage` says why not. */
export function checkedRoot(root: Root): Root {
  const fault = inconsistency(root);
  if (fault !== null) throw new NixsealError("usage", fault);
  try {
    return parseRoot(encodeRoot(root));
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code === "bug") throw error;
    throw new NixsealError("usage", error.message, { hint: error.hint, cause: error });
  }
}

/** A line for everything that is different, in a fixed order; a first root is all new. */
export function describeChange(before: Root | null, after: Root): string[] {
  const old = before === null ? [] : statements(before);
  const current = statements(after);
  return [
    ...old.filter((line) => !current.includes(line)).map((line) => `- ${line}`),
    ...current.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}

function statements(root: Root): string[] {
  return [
    `version ${root.version} of the fleet ${root.fleet}, until ${formatTime(root.expires)}`,
    `${root.root.threshold} root key${root.root.threshold === 1 ? " signs" : "s sign"} a root`,
    ...root.root.keys.map(({ fingerprint, type }) => `root key ${fingerprint} (${type})`),
    ...root.ca.keys.map(({ fingerprint, type }) => `CA key ${fingerprint} (${type})`),
    `a warrant needs ${root.warrant.threshold}`,
    ...[...root.groups].map(
      ([name, entries]) => `group ${name}: ${entries.map(({ text }) => text).join(" ")}`,
    ),
    ...[...root.warrant.groups].map(([name, count]) => `a warrant for the group ${name} needs ${count}`),
    ...root.upstream.map((key) => `upstream ${key}`),
    `gate epoch ${root.gateEpoch}`,
  ];
}

function withoutKeys(keys: readonly PublicKey[], gone: readonly Fingerprint[]): PublicKey[] {
  for (const fingerprint of gone)
    required(
      keys.some((key) => key.fingerprint === fingerprint),
      fingerprint,
      `key ${fingerprint}`,
    );
  return keys.filter((key) => !gone.includes(key.fingerprint));
}

function required<T>(there: boolean, value: T, what: string): T {
  if (there) return value;
  throw new NixsealError("usage", `the root has no ${what}`, {
    hint: "'nixseal trust show' lists what it has",
  });
}
