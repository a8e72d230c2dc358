import { resolve } from "node:path";
import * as z from "zod";
import { readWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { tellGate } from "./connection.ts";
import { destinationOf, hostOfWarrant, identityFlag } from "./destination.ts";
import { offerFor } from "./offer-message.ts";

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
