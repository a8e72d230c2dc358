import { resolve } from "node:path";
import { z } from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { OfferMessage } from "../../gate/message.ts";
import { Field } from "../../nix/json-fields.ts";
import { readKrl } from "../../trust/certificates/revocation-list.ts";
import { readChain } from "../../trust/root/store.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { warrantLimits } from "../../trust/warrant/limits.ts";
import { readHeads, sequenceOf } from "../../trust/warrant/state.ts";
import { keptWarrants, newestWarrant, readKept, readWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { tellGate, type Answer } from "./connection.ts";
import { destinationOf, hostOfWarrant, identityFlag } from "./destination.ts";

export const gateOffer = op({
  effect: "write",
  input: z.object({
    file: z.string().meta({ value: "FILE" }).describe("the warrant"),
    host: z.string().optional().meta({ value: "NAME" }).describe("of a group's warrant: which host"),
    identity: identityFlag,
  }),
  positional: ["file"],
  output: z.object({
    host: z.string(),
    warrant: z.string(),
    seq: z.number(),
    principals: z.array(z.string()),
  }),
  examples: [
    { command: "nixseal gate offer warrants/lufta/0042.json", says: "so that its paths may be copied" },
  ],
  run: async (context, given) => {
    const { directory, fleet } = await openFleet(context);
    const envelope = await readWarrant(
      context.files,
      resolve(context.workingDirectory, given.file),
      given.file,
    );
    const { root } = await openTrust(context, directory);
    const host = hostOfWarrant(fleet, root, envelope.warrant, given.host);
    const destination = destinationOf(context, fleet, host, given);
    const known = await tellGate(context, destination, { kind: "status" });
    await tellGate(context, destination, await offerFor(context, directory, envelope, known));
    const { warrant, digest, signatures } = envelope;
    const principals = signatures.flatMap(({ signer }) =>
      signer.type === "certificate" ? signer.principals : [],
    );
    return { host, warrant: digest, seq: warrant.seq, principals };
  },
  text: ({ host, seq }, paint, { file }) =>
    `${host} ${paint.good("knows")} warrant ${seq}, and takes its paths

Next: nix copy --to ssh-ng://USER@${host} TOPLEVEL, then nixseal gate activate ${file}`,
});

/** With what the host lacks: newer roots, the revocation list, and the warrants that it never saw. */
async function offerFor(
  { files }: Pick<Context, "files">,
  directory: string,
  envelope: WarrantEnvelope,
  known: Answer,
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
  const newest = (await newestWarrant(files, directory, subject)) ?? envelope;
  const heads = new Map([[sequenceOf(subject), { seq: newest.warrant.seq, digest: newest.digest }] as const]);
  const krl = await readKrl(files, directory);
  return { kind: "offer", warrant: envelope, between, status: { roots: roots!.slice(0, 64), krl, heads } };
}
