/** From what lies in a delivery to the message that the gate decides on. */
import { NixsealError } from "../core/errors.ts";
import type { OfferMessage } from "../gate/message.ts";
import { parseWarrantEnvelope, type WarrantEnvelope } from "../trust/warrant/envelope.ts";
import { warrantLimits } from "../trust/warrant/limits.ts";
import type { Subject } from "../trust/warrant/model.ts";
import { sequenceOf, type Head } from "../trust/warrant/state.ts";
import { parseStatusBundle } from "../trust/warrant/status-bundle.ts";
import { sha256Hex, subjectOf, type DeliveryHead } from "./head.ts";
import type { OrderSource } from "./source.ts";

/** Bytes of all orders that were missed, so that the message stays within its own limit. */
const mostBetween = 32 << 20;

/**
 * The newest order, those between it and the last of its sequence that this host accepted (`heads`, by `sequenceOf`), and the status. The links are followed by their
 * digests as they come, so that a source cannot make the host fetch more than what hangs together. `refused` when the source
 * stands behind the host, `conflict` when it is being written to.
 */
export async function offerFrom(
  source: OrderSource,
  head: DeliveryHead,
  heads: ReadonlyMap<string, Head>,
): Promise<OfferMessage> {
  const subject = subjectOf(head);
  const known = heads.get(sequenceOf(subject));
  if (known !== undefined && head.seq < known.seq)
    throw new NixsealError(
      "refused",
      `${source.name} goes back: its newest order is ${head.seq}, and ${known.seq} was accepted here`,
      { hint: "publish again; if nobody went back on purpose, somebody shows this host an old state" },
    );
  const newest = await orderOf(source, subject, head.seq);
  if (newest.digest !== head.warrant) throw unsettled(source, `order ${head.seq}`);
  const between: Uint8Array[] = [];
  let bytes = 0;
  // A host that has accepted nothing yet begins with whichever order comes.
  const from = known?.seq ?? newest.warrant.seq;
  for (let current = newest; current.warrant.seq > from + 1;) {
    if (between.length === warrantLimits.between)
      throw new NixsealError("limit", `this host has missed more than ${warrantLimits.between} orders`);
    const before = await orderOf(source, subject, current.warrant.seq - 1);
    if (before.digest !== current.warrant.prev)
      throw new NixsealError(
        "refused",
        `${source.name}: order ${current.warrant.seq} follows another order ${before.warrant.seq}`,
      );
    bytes += before.payload.length;
    if (bytes > mostBetween)
      throw new NixsealError("limit", "the orders that this host has missed are too large");
    between.unshift(before.payload);
    current = before;
  }
  const status = await source.status();
  if (sha256Hex(status) !== head.status) throw unsettled(source, "its status");
  return { kind: "offer", warrant: newest, between, status: parseStatusBundle(status) };
}

async function orderOf(source: OrderSource, subject: Subject, seq: number): Promise<WarrantEnvelope> {
  const envelope = parseWarrantEnvelope(await source.order(subject, seq));
  const { warrant } = envelope;
  if (warrant.seq === seq && sequenceOf(warrant.subject) === sequenceOf(subject)) return envelope;
  throw new NixsealError(
    "refused",
    `${source.name}: what lies there as order ${seq} of ${sequenceOf(subject)} is another one`,
  );
}

function unsettled(source: OrderSource, what: string): NixsealError {
  return new NixsealError("conflict", `${source.name}: ${what} is not the one that its head names`, {
    hint: "it is being published, or was damaged: the next run looks again",
  });
}
