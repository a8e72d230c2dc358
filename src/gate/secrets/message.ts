import { base64, utf8 } from "../../core/bytes.ts";
import type { Json } from "../../core/canonical-json.ts";
import { list, nullable, object, oneOf } from "../../core/shape.ts";
import {
  formatStatusBundle,
  parseStatusBundle,
  type StatusBundle,
} from "../../trust/warrant/status-bundle.ts";
import { bytesOf, carried, textOf } from "../message-fields.ts";
import { formatSecretsEnvelope, orderLimits, parseSecretsEnvelope, type SecretsEnvelope } from "./order.ts";

/** Other values for secrets of the running system, for which nothing is activated. */
export interface SecretsMessage {
  readonly kind: "secrets";
  readonly order: SecretsEnvelope;
  /** Age files that only this host opens, in the order of the order's values. */
  readonly ciphertexts: readonly Uint8Array[];
  readonly status: StatusBundle | null;
}

const shape = object({
  ciphertexts: list(carried, orderLimits.values, 1),
  kind: oneOf("secrets"),
  order: carried,
  status: nullable(carried),
});

export function readSecretsMessage(value: unknown): SecretsMessage {
  const { order, ciphertexts, status } = shape(value, "message");
  return {
    kind: "secrets",
    order: parseSecretsEnvelope(utf8(order)),
    ciphertexts: ciphertexts.map((one) => bytesOf(one)),
    status: status === null ? null : parseStatusBundle(utf8(status)),
  };
}

export function secretsMessageJson({ kind, order, ciphertexts, status }: SecretsMessage): Json {
  return {
    kind,
    order: textOf(formatSecretsEnvelope(order)),
    ciphertexts: ciphertexts.map((one) => base64(one)),
    status: status === null ? null : textOf(formatStatusBundle(status)),
  };
}
