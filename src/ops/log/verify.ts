import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { readLog } from "../../log/log.ts";
import { verifyLog, type Witness } from "../../log/verify.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";
import { witnessesFrom, witnessIn } from "./witnesses.ts";

export const logVerify = op({
  effect: "read",
  input: z.object({
    head: z
      .array(z.string())
      .default([])
      .meta({ value: "SEQ:DIGEST" })
      .describe("an entry that you noted when this verb printed it; found to be gone or changed, if it is"),
    receipt: z
      .array(z.string())
      .default([])
      .meta({ value: "FILE" })
      .describe("a host's receipt, or a directory of them; those in the log are witnesses anyway"),
  }),
  output: z.object({
    entries: z.number(),
    head: z.object({ seq: z.number(), digest: z.string() }).nullable(),
    witnesses: z.number().describe("memories of others that were held against the log"),
    agreed: z.number(),
    problems: z.array(
      z.object({
        code: z.enum(["malformed", "edited", "dropped", "reordered", "truncated", "rewritten"]),
        seq: z.number(),
        message: z.string(),
      }),
    ),
  }),
  examples: [
    { command: "nixseal log verify", says: "whether entries were changed, dropped or reordered" },
    { command: "nixseal log verify --head 41:9f86d0…", says: "whether entry 41 still is what it was" },
    {
      command: "nixseal log verify --receipt receipts/",
      says: "whether the log is what hosts were told, by what they keep in /var/lib/nixseal/gate/receipts",
    },
  ],
  run: async (context, { head, receipt }) => {
    const open = await openFleet(context);
    const state = await openState(context, open);
    const witnesses = [...head.map(noted), ...(await witnessesFrom(context, open, receipt))];
    // Twice: an entry may hold what a host remembers of one behind it, when the two were exchanged.
    for await (const line of readLog(state)) {
      const witness = witnessIn(open, line);
      if (witness !== null) witnesses.push(witness);
    }
    const verdict = await verifyLog(readLog(state), witnesses);
    return { ...verdict, witnesses: witnesses.length, problems: [...verdict.problems] };
  },
  text: ({ entries, head, witnesses, agreed, problems }, paint) =>
    [
      ...problems.map(({ code, message }) => `${paint.bad(code)}  ${message}`),
      problems.length === 0
        ? `${paint.good("sound")}: ${counted(entries, "entry", "entries")}, ${agreed} of ${witnesses} witnesses agree`
        : `${counted(problems.length, "problem", "problems")} in ${counted(entries, "entry", "entries")}`,
      ...(head === null ? [] : [`head: ${head.seq}:${head.digest}`]),
      ...(witnesses === 0
        ? [paint.weak("without a witness nobody can tell whether its end was cut off")]
        : []),
    ].join("\n"),
  exit: ({ problems }) => (problems.length === 0 ? 0 : 1),
});

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function noted(text: string): Witness {
  const [, seq, digest] = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || digest === undefined)
    throw new NixsealError("usage", `'${text.slice(0, 80)}' is not SEQ:DIGEST`, {
      hint: "as 'nixseal log verify' prints it behind 'head:'",
    });
  return { name: "your note", seq: Number(seq), digest };
}
