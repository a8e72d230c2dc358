/**
 * What a delivery is: plain files that any web server, directory or stick holds. Nothing in it is signed beyond what is signed
 * anyway, and nothing in it is believed: the host's gate decides on the orders, and their hashes on the content.
 *
 * - `hosts/NAME/head.json`: where the host's sequence stands. Small, so that asking for it again costs nearly nothing.
 * - `hosts/NAME/orders/NNNN.json`: the warrants, as they lie in the fleet.
 * - `hosts/NAME/status.json`: the newest roots and the revocation list.
 * - `cache/`: a binary cache of Nix.
 */
import { createHash } from "node:crypto";
import { hex, sameBytes, utf8, utf8Text } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { NixsealError } from "../core/errors.ts";
import { object, oneOf, text, wrong, type Check } from "../core/shape.ts";
import { follows, name } from "../inventory/field-rules.ts";
import { asMalformed } from "../trust/root/root.ts";

export interface DeliveryHead {
  readonly fleet: string;
  readonly host: string;
  /** Of the newest order. */
  readonly seq: number;
  /** Its `payloadDigest`. */
  readonly warrant: string;
  /** SHA-256 of `status.json` in hex: a revocation is news too. */
  readonly status: string;
}

export const headLimit = 4096;
export const cacheDirectory = "cache";

export function headFile(host: string): string {
  return `hosts/${host}/head.json`;
}

export function statusFile(host: string): string {
  return `hosts/${host}/status.json`;
}

export function orderFile(host: string, seq: number): string {
  return `hosts/${host}/orders/${String(seq).padStart(4, "0")}.json`;
}

/** Canonical JSON and a line end. */
export function formatHead({ fleet, host, seq, warrant, status }: DeliveryHead): Uint8Array {
  return utf8(`${canonicalJson({ v: 1, fleet, host, seq, warrant, status })}\n`);
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
  seq: orderNumber,
  warrant: digest,
  status: digest,
});
