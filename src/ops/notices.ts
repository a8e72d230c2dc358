import { resolve } from "node:path";
import * as z from "zod";
import { exitCodes } from "../core/exit.ts";
import { severities } from "../core/finding.ts";
import { hookOf, shells } from "../watch/hooks.ts";
import { noticesFile } from "../watch/layout.ts";
import { exitOf, noticesNow, textOf } from "../watch/notices-now.ts";
import { op } from "./op.ts";

const unit = z.object({ unit: z.string(), because: z.string(), since: z.string(), new: z.boolean() });
const noticesSchema = z.object({
  version: z.literal(1),
  checked: z.string(),
  system: z.string().nullable(),
  feed: z.object({ name: z.string(), version: z.number(), expires: z.string() }).nullable(),
  coverage: z.object({ packages: z.number(), known: z.number(), percent: z.number() }).nullable(),
  affected: z.number(),
  unknown: z.number(),
  notices: z.array(
    z.object({
      advisory: z.string(),
      package: z.string(),
      version: z.string(),
      severity: z.enum(severities),
      message: z.string(),
      hint: z.string().nullable(),
      exploited: z.boolean(),
      mayAct: z.boolean(),
      since: z.string(),
      new: z.boolean(),
    }),
  ),
  more: z.number(),
  stopped: z.array(unit),
  kept: z.array(unit),
  problems: z.array(z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() })),
  stale: z.string().nullable().describe("why there may be more than this"),
  now: z.string(),
});

export const notices = op({
  effect: "read",
  input: z.object({
    file: z
      .string()
      .optional()
      .describe(`what 'nixseal-agent watch' wrote (default: ${noticesFile})`)
      .meta({ value: "FILE" }),
    hook: z
      .enum(shells)
      .optional()
      .describe("print what makes a shell show notices when it starts")
      .meta({ value: "SHELL" }),
  }),
  output: z.union([noticesSchema, z.object({ hook: z.string() })]),
  examples: [
    { command: "nixseal notices", says: "what the last look at this machine found" },
    { command: "nixseal notices --hook bash >> ~/.bashrc", says: "for every new terminal" },
  ],
  run: async ({ files, clock, workingDirectory }, { file, hook }) => {
    if (hook !== undefined) return { hook: hookOf(hook) };
    const path = file === undefined ? undefined : resolve(workingDirectory, file);
    return (await noticesNow({ files, clock }, path)) as z.output<typeof noticesSchema>;
  },
  text: (output) => ("hook" in output ? output.hook : textOf(output)),
  exit: (output) => ("hook" in output ? exitCodes.done : exitOf(output)),
});
