import * as z from "zod";
import { parseEntry } from "../../log/entry.ts";
import { readLog } from "../../log/log.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";

const entrySchema = z.object({
  seq: z.number(),
  at: z.string(),
  what: z.string(),
  member: z.string().nullable(),
  machine: z.string(),
  hosts: z.array(z.string()).readonly(),
  detail: z.unknown(),
});

export const logShow = op({
  effect: "read",
  input: z.object({
    host: z.string().optional().meta({ value: "NAME" }).describe("only what concerns this host"),
    what: z
      .string()
      .optional()
      .meta({ value: "WHAT" })
      .describe("only entries of this kind, such as deploy.apply"),
    last: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(50)
      .meta({ value: "N" })
      .describe("how many of the newest"),
  }),
  output: z.object({ entries: z.array(entrySchema) }),
  examples: [
    { command: "nixseal log show --last 10", says: "the newest ten entries" },
    { command: "nixseal log show --host lufta --json", says: "all that is known of one host, for scripts" },
  ],
  run: async (context, { host, what, last }) => {
    const state = await openState(context, await openFleet(context));
    const entries: z.output<typeof entrySchema>[] = [];
    for await (const line of readLog(state)) {
      const { seq, at, by, hosts, detail, what: kind } = parseEntry(line);
      if (host !== undefined && !hosts.includes(host)) continue;
      if (what !== undefined && kind !== what) continue;
      entries.push({ seq, at: at.toISOString(), what: kind, ...by, hosts, detail });
      if (entries.length > last) entries.shift();
    }
    return { entries };
  },
  text: ({ entries }, paint) =>
    entries.length === 0
      ? "the log has no such entry"
      : entries
          .map(({ seq, at, what, member, machine, hosts }) => {
            const who = member ?? machine;
            const where = hosts.length > 5 ? `${hosts.length} hosts` : hosts.join(" ");
            return `${paint.weak(`${seq}  ${at}`)}  ${paint.strong(what)}  ${who}  ${where}`.trimEnd();
          })
          .join("\n"),
});
