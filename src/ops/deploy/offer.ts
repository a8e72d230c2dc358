import { NixsealError } from "../../core/errors.ts";
import type { OfferMessage } from "../../gate/message.ts";
import { Field } from "../../nix/json-fields.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { readChain } from "../../trust/root/store.ts";
import { warrantLimits } from "../../trust/warrant/limits.ts";
import { readHeads, sequenceOf, type Head } from "../../trust/warrant/state.ts";
import { keptWarrants, newestWarrant, readKept } from "../../trust/warrant/store.ts";
import type { OpenFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import type { OpenTrust } from "../trust/open.ts";
import type { OrderFile } from "./sign-orders.ts";

/** Roots that a host may have missed: rotated once a month, that is five years. */
const mostRoots = 60;

/**
 * What a host needs to decide on the order: the order, those that it missed before it, and the newest root and revocation
 * list. `heads`: where the host's sequences stand, as it says itself.
 */
export async function offerFor(
  { files }: Pick<Context, "files">,
  { directory }: OpenFleet,
  { root }: OpenTrust,
  { envelope }: OrderFile,
  heads: unknown,
): Promise<OfferMessage> {
  const { subject, seq } = envelope.warrant;
  const known = readHeads(new Field(heads, "status.heads"), 1024).get(sequenceOf(subject));
  const kept = await keptWarrants(files, directory, subject);
  const missed = known === undefined ? [] : kept.filter((one) => one > known.seq && one < seq);
  if (missed.length > warrantLimits.between)
    throw new NixsealError(
      "limit",
      `the host has missed ${missed.length} orders, more than ${warrantLimits.between}`,
    );
  const between: Uint8Array[] = [];
  for (const one of missed) between.push((await readKept(files, directory, subject, one)).payload);
  const roots = (await readChain(files, directory, Math.max(1, root.version - mostRoots + 1))) ?? [];
  const newest = await newestWarrant(files, directory, subject);
  const head: Head | null = newest === null ? null : { seq: newest.warrant.seq, digest: newest.digest };
  return {
    kind: "offer",
    warrant: envelope,
    between,
    status: {
      roots,
      krl: await readKrl(files, directory),
      heads: new Map(head === null ? [] : [[sequenceOf(subject), head]]),
    },
  };
}
