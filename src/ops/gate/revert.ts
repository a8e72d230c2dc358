import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { tellGate } from "./connection.ts";
import { destinationOf, identityFlag } from "./destination.ts";

export const gateRevert = op({
  effect: "write",
  input: z.object({ host: z.string().describe("the host"), identity: identityFlag }),
  positional: ["host"],
  output: z.object({ host: z.string() }),
  examples: [
    { command: "nixseal gate revert lufta", says: "goes back at once, instead of waiting for the end" },
  ],
  run: async (context, given) => {
    const { fleet } = await openFleet(context);
    const destination = destinationOf(context, fleet, given.host, given);
    try {
      await tellGate(context, destination, { kind: "revert", fence: null });
    } catch (error) {
      // Here it is what was asked for.
      if (!(error instanceof NixsealError) || !error.message.endsWith(" [reverted]")) throw error;
    }
    return { host: given.host };
  },
  text: ({ host }, paint) => `${host} is ${paint.good("back")} at the system before`,
});
