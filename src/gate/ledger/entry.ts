/** What the ledger says about a store path: what brought it, when, and on whose word. */
import type { Json } from "../../core/canonical-json.ts";
import type { Signed } from "../../nix/fingerprint.ts";
import { parseHash, typedNix32 } from "../../nix/hash.ts";
import type { Field } from "../../nix/json-fields.ts";
import { byPath, type StorePath } from "../../nix/store-path.ts";
import { formatTime } from "../../trust/root/root.ts";
import { originJson, readOrigin, storePath, type Origin } from "./origin.ts";

/** Came in, took the place of a path that differed from what was signed, or went into the quarantine. */
export const ledgerEvents = ["added", "repaired", "quarantined"] as const;
export type LedgerEvent = (typeof ledgerEvents)[number];

export interface LedgerRecord extends Signed {
  readonly event: LedgerEvent;
  readonly deriver: StorePath | null;
  readonly origin: Origin;
}

export interface LedgerEntry extends LedgerRecord {
  readonly time: Date;
}

export function entryJson(entry: LedgerEntry): Json {
  return {
    deriver: entry.deriver,
    event: entry.event,
    narHash: typedNix32(entry.narHash),
    narSize: entry.narSize,
    origin: originJson(entry.origin),
    path: entry.path,
    references: [...new Set(entry.references)].sort(byPath),
    time: formatTime(entry.time),
  };
}

/** `malformed` for what `entryJson` never gives. Keys of later versions are ignored: an old program still reads what it knows. */
export function readEntry(field: Field): LedgerEntry {
  return {
    time: readTime(field.get("time")),
    event: oneOf(field.get("event"), ledgerEvents),
    path: storePath(field.get("path")),
    narHash: field.get("narHash").parsed(parseHash),
    narSize: field.get("narSize").count(),
    references: field.get("references").items().map(storePath),
    deriver: field.get("deriver").isNull ? null : storePath(field.get("deriver")),
    origin: readOrigin(field.get("origin")),
  };
}

function oneOf<T extends string>(field: Field, values: readonly T[]): T {
  const found = values.find((value) => value === field.value);
  if (found === undefined) throw field.wrong(values.join(", "));
  return found;
}

function readTime(field: Field): Date {
  const time = new Date(field.string());
  if (Number.isNaN(time.getTime())) throw field.wrong("a time");
  return time;
}
