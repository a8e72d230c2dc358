import { resolve } from "node:path";
import * as z from "zod";
import { envelopeLimit } from "../../audit/advisories/feed/envelope.ts";
import { updateFeed } from "../../audit/advisories/feed/update.ts";
import { op } from "../op.ts";
import { sourceOf } from "./source.ts";
import { stateDirectory, stateFlag } from "./state.ts";
import { statusOf, statusSchema, statusText } from "./status-view.ts";

/** Milliseconds that a second update waits for the first. */
const patience = 10_000;

export const update = op({
  effect: "write",
  input: z.object({
    source: z.string().describe("a URL, a directory, or a bundle from 'advisories export --format bundle'"),
    root: z.string().optional().describe("whom to believe; needed the first time").meta({ value: "FILE" }),
    state: stateFlag,
  }),
  positional: ["source"],
  output: statusSchema.extend({ fetched: z.number().describe("layers that came new") }),
  examples: [
    {
      command: "nixseal advisories update https://example.org/advisories --root root.json",
      says: "the first time",
    },
    { command: "nixseal advisories update feed.bundle", says: "on a host without a network" },
  ],
  run: async (context, { source, root, state }) => {
    const { files, clock, workingDirectory } = context;
    const directory = stateDirectory(context, state);
    await files.makeDirectory(directory, { mode: 0o755, parents: true });
    const lock = await files.lock(`${directory}/.lock`, { wait: patience, purpose: "updating advisories" });
    try {
      const firstRoot =
        root === undefined
          ? null
          : await files.read(resolve(workingDirectory, root), { limit: envelopeLimit });
      const opened = await sourceOf(context, source);
      const now = clock.now();
      const { seen, fetched } = await updateFeed({ files, directory, source: opened, firstRoot, clock: now });
      return { ...(await statusOf(files, directory, seen, now)), fetched: fetched.length };
    } finally {
      await lock.release();
    }
  },
  text: (output, paint) =>
    `${statusText(output, paint)}\n${output.fetched === 0 ? "nothing new" : `new        ${output.fetched} of ${output.layers} layers`}`,
});
