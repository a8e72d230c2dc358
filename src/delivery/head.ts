/**
 * What a delivery is: plain files that any web server, directory or stick holds. Nothing in it is signed beyond what is signed
 * anyway, and nothing in it is believed: the host's gate decides on the orders, and their hashes on the content.
 *
 * - `hosts/NAME/head.json`: where the host's sequence stands. Small, so that asking for it again costs nearly nothing.
 * - `hosts/NAME/orders/NNNN.json`: the warrants, as they lie in the fleet; those for a group lie once, in `groups/NAME/orders/`.
 * - `hosts/NAME/status.json`: the newest roots and the revocation list.
 * - `cache/`: a binary cache of Nix.
 */
import { createHash } from "node:crypto";
import { hex, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { nullable, object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name } from "../inventory/field-rules.ts";
import { asMalformed } from "../trust/root/root.ts";
import type { Subject } from "../trust/warrant/model.ts";
import type { Head } from "../trust/warrant/state.ts";

export interface DeliveryHead {
  readonly fleet: string;
  readonly host: string;
  /** The group whose order is the newest for the host; null where that is one of its own. */
  readonly group: string | null;
  /** Of the newest order. */
  readonly seq: number;
  /** Its `payloadDigest`. */
  readonly warrant: string;
  /** SHA-256 of `status.json` in hex: a revocation is news too. */
  readonly status: string;
  /** What the log ended with when this was published: the host puts it into its receipt, and so bears witness of it. Nobody has signed it. */
  readonly log: Head | null;
}

export const headLimit = 4096;
export const cacheDirectory = "cache";

export function headFile(host: string): string {
  return `hosts/${host}/head.json`;
}

export function statusFile(host: string): string {
  return `hosts/${host}/status.json`;
}

export function orderFile({ kind, name: of }: Subject, seq: number): string {
  return `${kind}s/${of}/orders/${String(seq).padStart(4, "0")}.json`;
}

/** Whose order is the newest. */
export function subjectOf({ host, group }: Pick<DeliveryHead, "host" | "group">): Subject {
  return group === null ? { kind: "host", name: host } : { kind: "group", name: group };
}

/** Canonical JSON and a line end. */
export function formatHead({ fleet, host, group, seq, warrant, status, log }: DeliveryHead): Uint8Array {
  const place = log === null ? null : { seq: log.seq, digest: log.digest };
  return utf8(`${canonicalJson({ v: 1, fleet, host, group, seq, warrant, status, log: place })}\n`);
}

/** `malformed` or `limit` unless the bytes are what `formatHead` writes. */
export function parseHead(bytes: Uint8Array): DeliveryHead {
  if (bytes.length > headLimit)
    throw new NixsealError("limit", `the head of a delivery has at most ${headLimit} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(utf8Text(bytes, "the head"));
  } catch (cause) {
    throw new NixsealError("malformed", "the head of the delivery is not JSON", { cause });
  }
  const head = asMalformed(() => shape(value, "head"));
  if (!sameBytes(formatHead(head), bytes))
    throw new NixsealError("malformed", "the head of the delivery is not canonical JSON with one line end");
  return head;
}

/** SHA-256 in hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return hex(createHash("sha256").update(bytes).digest());
}

const digest = text((given) => /^[0-9a-f]{64}$/.test(given), "64 digits in hex");
const named = text((given) => follows(name, given), name.expected);
export const orderNumber: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(path, "a whole number from 1", value);
};
const shape = object<DeliveryHead & { readonly v: 1 }>({
  v: oneOf(1),
  fleet: named,
  host: named,
  group: nullable(named),
  seq: orderNumber,
  warrant: digest,
  status: digest,
  log: nullable(object<Head>({ seq: orderNumber, digest })),
});
