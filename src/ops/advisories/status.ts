import * as z from "zod";
import { exitCodes } from "../../core/exit.ts";
import { openAdvisories } from "../../audit/advisories/feed/store.ts";
import { op } from "../op.ts";
import { stateDirectory, stateFlag } from "./state.ts";
import { statusOf, statusSchema, statusText } from "./status-view.ts";

export const status = op({
  effect: "read",
  input: z.object({ state: stateFlag }),
  output: statusSchema,
  examples: [
    { command: "nixseal advisories status", says: "exit 5 when they are too old to call anything clean" },
  ],
  run: async (context, input) => {
    const directory = stateDirectory(context, input.state);
    const { seen } = await openAdvisories(context.files, directory);
    return statusOf(context.files, directory, seen, context.clock.now());
  },
  text: statusText,
  exit: ({ state }) => (state === "stale" ? exitCodes.stale : exitCodes.done),
});
