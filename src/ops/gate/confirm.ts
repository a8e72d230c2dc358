import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { Field } from "../../nix/json-fields.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { confirmMessage, findConfirmer } from "./confirmation.ts";
import type { GateSuccess } from "../../deploy/gate-client.ts";
import { tellGate } from "./connection.ts";
import { destinationOf, hostOfWarrant, identityFlag } from "./destination.ts";

export const gateConfirm = op({
  effect: "write",
  input: z.object({
    file: z.string().meta({ value: "FILE" }).describe("the warrant that was activated"),
    nonce: z
      .string()
      .optional()
      .meta({ value: "NONCE" })
      .describe("what the host gave out when it was activated (default: the host is asked)"),
    host: z.string().optional().meta({ value: "NAME" }).describe("of a group's warrant: which host"),
    key: z.string().optional().meta({ value: "FILE" }).describe("your key (default: one in ~/.ssh)"),
    certificate: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
    identity: identityFlag,
  }),
  positional: ["file"],
  output: z.object({ host: z.string(), outcome: z.string(), receipt: z.string().nullable() }),
  examples: [
    {
      command: "nixseal gate confirm warrants/lufta/0042.json",
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
    const destination = destinationOf(context, fleet, host, given);
    const nonce = given.nonce ?? nonceOf(await tellGate(context, destination, { kind: "status" }));
    // The warrant is the one in hand: whatever the host says that it runs, nothing else gets a signature.
    const about = { fleet: trust.root.fleet, host, warrant: envelope.digest, nonce };
    const answer = await tellGate(context, destination, await confirmMessage(context, confirmer, about));
    const { outcome, receipt } = answer;
    return {
      host,
      outcome: typeof outcome === "string" ? outcome : "done",
      receipt: typeof receipt === "string" ? receipt : null,
    };
  },
  text: ({ host, outcome }, paint) => `${host}: ${paint.good(outcome)}`,
});

function nonceOf(answer: GateSuccess): string {
  const activation = Field.parse(JSON.stringify(answer), "status").get("activation");
  if (!activation.isNull && !activation.get("nonce").isNull) return activation.get("nonce").string();
  throw new NixsealError("refused", "no activation waits for a confirmation", {
    hint: "it was confirmed, or undone: 'nixseal gate status HOST' says what runs",
  });
}
