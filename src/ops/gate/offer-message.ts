import { NixsealError } from "../../core/errors.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import type { OfferMessage } from "../../gate/message.ts";
import { Field } from "../../nix/json-fields.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { readChain } from "../../trust/root/store.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { warrantLimits } from "../../trust/warrant/limits.ts";
import { readHeads, sequenceOf } from "../../trust/warrant/state.ts";
import { keptWarrants, readKept } from "../../trust/warrant/store.ts";
import type { Context } from "../op.ts";

/** A warrant with what the host lacks to decide on it, by its own status: newer roots, the revocation list, the warrants that it never saw. */
export async function offerFor(
  { files }: Pick<Context, "files">,
  directory: string,
  envelope: WarrantEnvelope,
  known: GateSuccess,
): Promise<OfferMessage> {
  const { subject, seq } = envelope.warrant;
  const answer = Field.parse(JSON.stringify(known), "status");
  const roots = await readChain(files, directory, answer.get("root").count());
  const head = readHeads(answer.get("heads"), 50_000).get(sequenceOf(subject));
  const kept = await keptWarrants(files, directory, subject);
  const missed = head === undefined ? [] : kept.filter((one) => one > head.seq && one < seq);
  if (missed.length > warrantLimits.between)
    throw new NixsealError("limit", `more than ${warrantLimits.between} warrants lie between`, {
      hint: "offer and activate one of those between first",
    });
  const between: Uint8Array[] = [];
  for (const one of missed) between.push((await readKept(files, directory, subject, one)).payload);
  const last = kept.at(-1) ?? seq;
  const newest = last <= seq ? envelope : await readKept(files, directory, subject, last);
  const heads = new Map([[sequenceOf(subject), { seq: newest.warrant.seq, digest: newest.digest }] as const]);
  const krl = await readKrl(files, directory);
  return { kind: "offer", warrant: envelope, between, status: { roots: roots!.slice(0, 64), krl, heads } };
}
