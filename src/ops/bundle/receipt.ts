import { resolve } from "node:path";
import { z } from "zod";
import { utf8Text } from "../../core/bytes.ts";
import { at } from "../../core/errors.ts";
import { openReceipt, receiptLimits } from "../../delivery/receipt.ts";
import { parseEntry } from "../../log/entry.ts";
import { appendToLog, readLog } from "../../log/log.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import type { State } from "../../state/state.ts";
import { openFleet, type OpenFleet } from "../fleet-context.ts";
import { keepReceipt } from "../host-receipts.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";
import { fleetName } from "../trust/root-flags.ts";

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
      const { fleet: _, ...receipt } = openReceipt(bytes, fleetName(open.fleet), (name) =>
        hostKeys(open, name),
      );
      const state = await openState(context, open);
      const text = utf8Text(bytes, "the receipt");
      const logged = (await entryWith(state, text)) ?? (await add(text, receipt));
      const host = [...open.fleet.hosts.values()].find((one) => one.name === receipt.host)!;
      await keepReceipt(context, open.directory, fleetName(open.fleet), host, text);
      return { ...receipt, logged };

      async function add(whole: string, { host, warrant, outcome }: typeof receipt): Promise<number> {
        const { environment, processes, clock } = context;
        const { seq } = await appendToLog(state, clock, {
          what: "host.receipt",
          by: { member: null, machine: `${environment.get("USER") ?? "someone"}@${processes.hostname}` },
          hosts: [host],
          detail: { warrant, outcome, receipt: whole },
        });
        return seq;
      }
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

function hostKeys({ fleet }: OpenFleet, name: string): PublicKey[] | null {
  const host = [...fleet.hosts.values()].find((one) => one.name === name);
  return host?.hostKeys.map(({ line }) => parsePublicKeyLine(line).key) ?? null;
}

/** Whoever brings the same receipt twice adds nothing. */
async function entryWith(state: State, receipt: string): Promise<number | null> {
  for await (const line of readLog(state)) {
    const { seq, what, detail } = parseEntry(line);
    if (what !== "host.receipt" || typeof detail !== "object" || detail === null) continue;
    if ("receipt" in detail && detail["receipt"] === receipt) return seq;
  }
  return null;
}
