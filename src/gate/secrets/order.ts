/**
 * A secrets order: signed by members, it tells one host to take other values for secrets that its system declares. It names values by the
 * digests of their ciphertexts and nothing else: neither where they go, nor whose they are, nor what is restarted. All of that comes
 * with the system, which a warrant ordered.
 */
import { createHash } from "node:crypto";
import { hex, sameBytes, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { list, object, oneOf, text, wrong, type Check } from "../../core/shape.ts";
import { follows, name as nameRule } from "../../inventory/field-rules.ts";
import { asMalformed, formatTime, parseJson } from "../../trust/root/root.ts";
import {
  formatSignedEnvelope,
  parseSignedEnvelope,
  type SignedEnvelope,
} from "../../trust/signed-envelope.ts";
import { checkJsonBudget } from "../../trust/warrant/json-budget.ts";

export const secretsNamespace = "nixseal-secrets@v1";

export interface OrderedValue {
  /** A secret of the host's system. */
  readonly name: string;
  /** SHA-256 of the ciphertext, hex. */
  readonly digest: string;
  /**
   * The ciphertexts that this one comes after, from the fleet's history: a system that brings one of them does not bring an older value
   * back, and one that brings any other has a newer one.
   */
  readonly replaces: readonly string[];
}

export interface SecretsOrder {
  readonly v: 1;
  readonly fleet: string;
  readonly host: string;
  /** Larger than that of every order which the host has followed. */
  readonly seq: number;
  readonly notBefore: Date;
  readonly expires: Date;
  /** Sorted by name. */
  readonly values: readonly OrderedValue[];
}

export interface SecretsEnvelope extends SignedEnvelope {
  readonly order: SecretsOrder;
  /** SHA-256 of the payload, hex. */
  readonly digest: string;
}

/** Names of 256 values fit into an entry of the log, with the host's receipt. */
export const orderLimits = {
  payload: 8 << 20,
  file: 12 << 20,
  values: 256,
  replaces: 256,
  signatures: 64,
  signature: 64 << 10,
} as const;

const named = text((given) => follows(nameRule, given), nameRule.expected);
const digest = text((given) => /^[0-9a-f]{64}$/.test(given), "64 digits in hex");
const time: Check<Date> = (value, path) => {
  const date = typeof value === "string" ? new Date(value) : new Date(Number.NaN);
  if (!Number.isNaN(date.getTime()) && formatTime(date) === value) return date;
  throw wrong(path, 'a time such as "2030-01-31T12:00:00Z"', value);
};
const count: Check<number> = (value, path) => {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(path, "a whole number from 1", value);
};

const shape = object<SecretsOrder>({
  v: oneOf(1),
  fleet: named,
  host: named,
  seq: count,
  notBefore: time,
  expires: time,
  values: list(
    object<OrderedValue>({ name: named, digest, replaces: list(digest, orderLimits.replaces) }),
    orderLimits.values,
    1,
  ),
});

/** Canonical JSON, without a line end. */
export function encodeOrder({ notBefore, expires, values, ...rest }: SecretsOrder): Uint8Array {
  return utf8(
    canonicalJson({
      ...rest,
      notBefore: formatTime(notBefore),
      expires: formatTime(expires),
      values: values.map((one) => ({ ...one, replaces: [...one.replaces] })),
    }),
  );
}

/** Exactly the bytes that `encodeOrder` gives. Throws `malformed` or `limit`. */
export function parseOrder(payload: Uint8Array): SecretsOrder {
  if (payload.length > orderLimits.payload)
    throw new NixsealError(
      "limit",
      `the order has ${payload.length} bytes, more than ${orderLimits.payload}`,
    );
  checkJsonBudget(payload, { depth: 4, containers: 2 * orderLimits.values + 2 }, "the order");
  const order = asMalformed(() => shape(parseJson(payload, "the order"), "order"));
  for (const [index, { name }] of order.values.entries())
    if (index > 0 && name <= order.values[index - 1]!.name)
      throw new NixsealError("malformed", `order: '${name}' is not in its place, or there twice`);
  if (order.expires <= order.notBefore)
    throw new NixsealError("malformed", "order: it ends before it begins");
  if (!sameBytes(encodeOrder(order), payload))
    throw new NixsealError("malformed", "the order is not canonical JSON");
  return order;
}

/** Throws `malformed`, `limit` or `refused` unless the bytes are exactly what `formatSecretsEnvelope` writes. */
export function parseSecretsEnvelope(bytes: Uint8Array): SecretsEnvelope {
  const { payload, signatures } = parseSignedEnvelope(bytes, "the secrets order", orderLimits);
  return { payload, order: parseOrder(payload), digest: orderDigest(payload), signatures };
}

export function formatSecretsEnvelope({ payload, signatures }: SignedEnvelope): Uint8Array {
  return formatSignedEnvelope({ payload, signatures });
}

export function orderDigest(payload: Uint8Array): string {
  return hex(createHash("sha256").update(payload).digest());
}
