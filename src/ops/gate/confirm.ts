import { resolve } from "node:path";
import { z } from "zod";
import { readWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { confirmMessage, findConfirmer } from "./confirmation.ts";
import { tellGate } from "./connection.ts";
import { destinationOf, hostOfWarrant, identityFlag } from "./destination.ts";

export const gateConfirm = op({
  effect: "write",
  input: z.object({
    file: z.string().meta({ value: "FILE" }).describe("the warrant that was activated"),
    nonce: z.string().meta({ value: "NONCE" }).describe("what the host gave out when it was activated"),
    host: z.string().optional().meta({ value: "NAME" }).describe("of a group's warrant: which host"),
    key: z.string().optional().meta({ value: "FILE" }).describe("your key (default: one in ~/.ssh)"),
    certificate: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
    identity: identityFlag,
  }),
  positional: ["file", "nonce"],
  output: z.object({ host: z.string(), outcome: z.string(), receipt: z.string().nullable() }),
  examples: [
    {
      command: "nixseal gate confirm warrants/lufta/0042.json 5f3a…",
      says: "after nixos-rebuild, which knows no confirmation",
    },
  ],
  run: async (context, given) => {
    const { directory, fleet } = await openFleet(context);
    const envelope = await readWarrant(
      context.files,
      resolve(context.workingDirectory, given.file),
      given.file,
    );
    const trust = await openTrust(context, directory);
    const host = hostOfWarrant(fleet, trust.root, envelope.warrant, given.host);
    const confirmer = await findConfirmer(context, directory, fleet, trust, envelope, given);
    const about = { fleet: trust.root.fleet, host, warrant: envelope.digest, nonce: given.nonce };
    const message = await confirmMessage(context, confirmer, about);
    const answer = await tellGate(context, destinationOf(context, fleet, host, given), message);
    const { outcome, receipt } = answer;
    return {
      host,
      outcome: typeof outcome === "string" ? outcome : "done",
      receipt: typeof receipt === "string" ? receipt : null,
    };
  },
  text: ({ host, outcome }, paint) => `${host}: ${paint.good(outcome)}`,
});
