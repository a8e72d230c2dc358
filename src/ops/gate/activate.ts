import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { GateEvent } from "../../gate/answer.ts";
import { gateActions } from "../../gate/message.ts";
import { readWarrant } from "../../trust/warrant/store.ts";
import { openFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { confirmMessage, findConfirmer, type Confirmer } from "./confirmation.ts";
import { tellGate, type Destination } from "./connection.ts";
import { destinationOf, hostOfWarrant, identityFlag } from "./destination.ts";

export const gateActivate = op({
  effect: "write",
  input: z.object({
    file: z.string().meta({ value: "FILE" }).describe("the warrant, offered before"),
    host: z.string().optional().meta({ value: "NAME" }).describe("of a group's warrant: which host"),
    action: z
      .enum(gateActions)
      .optional()
      .describe("less than it orders, such as dry-activate (default: what it orders)"),
    rehash: z.boolean().default(false).describe("let the host hash every file of the closure again"),
    confirm: z
      .enum(["now", "later"])
      .default("now")
      .describe("later: 'nixseal gate confirm' does it, in time, or the host goes back"),
    key: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe(
        "your key to confirm with; for one in an agent or a token its .pub file (default: one in ~/.ssh)",
      ),
    certificate: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("your member certificate (default: beside the key, else in trust/certificates/)"),
    identity: identityFlag,
  }),
  positional: ["file"],
  output: z.object({
    host: z.string(),
    outcome: z.string(),
    toplevel: z.string(),
    warrant: z.string(),
    receipt: z.string().nullable().describe("signed with the host's key"),
  }),
  examples: [
    { command: "nixseal gate activate warrants/lufta/0042.json", says: "and confirms over a new connection" },
    {
      command: "nixseal gate activate warrants/lufta/0042.json --action dry-activate",
      says: "what would change",
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
    const destination = destinationOf(context, fleet, host, given);
    const { warrant, digest } = envelope;
    const action = given.action ?? warrant.action;
    const confirmer =
      given.confirm === "later" || action === "dry-activate"
        ? null
        : await findConfirmer(context, directory, fleet, trust, envelope, given);
    const message = {
      kind: "activate",
      warrant: digest,
      action,
      rehash: given.rehash,
      fence: null,
      log: null,
    } as const;
    const confirmed: Promise<void>[] = [];
    const about = { fleet: trust.root.fleet, host, warrant: digest };
    const answer = await tellGate(context, destination, message, (event) => {
      const nonce = nonceOf(event);
      if (nonce !== null && confirmer !== null)
        confirmed.push(confirmNow(context, destination, confirmer, { ...about, nonce }));
    });
    // The host answers when it is confirmed; this waits for the other connection to end too.
    await Promise.all(confirmed);
    return {
      host,
      outcome: textOf(answer["outcome"]) ?? "done",
      toplevel: warrant.toplevel,
      warrant: digest,
      receipt: textOf(answer["receipt"]),
    };
  },
  text: ({ host, outcome, toplevel }, paint) => `${host}: ${paint.good(outcome)} ${toplevel}`,
});

/** A failure is told and no more: the host goes back by itself, and says so. */
async function confirmNow(
  context: Context,
  destination: Destination,
  confirmer: Confirmer,
  about: Parameters<typeof confirmMessage>[2],
): Promise<void> {
  try {
    await tellGate(context, destination, await confirmMessage(context, confirmer, about));
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    context.emit({ type: "warning", message: `not confirmed: ${error.message}`, hint: error.hint ?? "" });
  }
}

function nonceOf({ step, data }: GateEvent): string | null {
  return step === "confirm" ? textOf(data?.["nonce"]) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
