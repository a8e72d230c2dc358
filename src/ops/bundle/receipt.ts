import { resolve } from "node:path";
import * as z from "zod";
import { at } from "../../core/errors.ts";
import { receiptLimits } from "../../delivery/receipt.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { receiptTaker } from "../take-receipts.ts";

export const bundleReceipt = op({
  effect: "write",
  input: z.object({
    file: z.string().meta({ value: "FILE" }).describe("what the host wrote beside the bundle"),
  }),
  positional: ["file"],
  output: z.object({
    host: z.string(),
    seq: z.number().nullable(),
    warrant: z.string().nullable(),
    outcome: z.string(),
    reason: z.string().nullable(),
    toplevel: z.string(),
    running: z.string().nullable(),
    ended: z.string(),
    logged: z.number().describe("the log's entry that holds it"),
  }),
  examples: [
    {
      command: "nixseal bundle receipt buoy.bundle.receipt",
      says: "verify the host's signature, and add it to the log",
    },
  ],
  run: async (context, { file }) => {
    const open = await openFleet(context);
    const path = resolve(context.workingDirectory, file);
    const bytes = await context.files.read(path, { limit: receiptLimits.file });
    try {
      const taker = await receiptTaker(context, open);
      const { isNew: _, ...receipt } = await taker.take(bytes);
      return receipt;
    } catch (error) {
      throw at(error, { file });
    }
  },
  text: ({ host, seq, outcome, reason, running, ended, logged }) =>
    [
      `${host}: order ${seq ?? "none (at the console)"}, ${outcome} at ${ended}${reason === null ? "" : `: ${reason}`}`,
      `runs ${running ?? "nothing known"}`,
      `log entry ${logged}`,
    ].join("\n"),
});
