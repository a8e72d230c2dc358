import { resolve } from "node:path";
import { z } from "zod";
import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { severities } from "../core/finding.ts";
import { staleness } from "../watch/freshness.ts";
import { hookOf, shells } from "../watch/hooks.ts";
import { noticesFile } from "../watch/layout.ts";
import { noticesText } from "../watch/notices-text.ts";
import { readNotices, type Notices } from "../watch/notices.ts";
import { op } from "./op.ts";

const unit = z.object({ unit: z.string(), because: z.string(), since: z.string() });
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
    const path = resolve(workingDirectory, file ?? noticesFile);
    const found = await readNotices(files, path);
    if (found === null)
      throw new NixsealError("not-found", "nothing has watched here yet", {
        hint: "'nixseal-agent watch' does, on hosts; see docs/watch.md",
        where: { file: path },
      });
    const now = clock.now();
    return {
      ...(found as z.output<typeof noticesSchema>),
      stale: staleness(found, now),
      now: now.toISOString(),
    };
  },
  text: (output) =>
    "hook" in output ? output.hook : noticesText(output as Notices, new Date(output.now)).join("\n"),
  exit: (output) => {
    if ("hook" in output) return exitCodes.done;
    if (output.stale !== null) return exitCodes.stale;
    return output.notices.length + output.stopped.length > 0 ? exitCodes.findings : exitCodes.done;
  },
});
