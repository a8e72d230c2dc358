import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import { newestRollout, readRollout } from "../../deploy/records.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { openState } from "../shared-state.ts";
import { table } from "../table.ts";

/** Milliseconds between two looks, and how long nobody may say anything. */
const pause = 1_000;
const patience = 24 * 3_600_000;

export const deployWatch = op({
  effect: "read",
  input: z.object({
    rollout: z.string().optional().describe("which rollout (default: the newest)").meta({ value: "ROLLOUT" }),
    once: z.boolean().default(false).describe("say how it stands and end"),
  }),
  positional: ["rollout"],
  output: z.object({
    rollout: z.string(),
    began: z.string(),
    by: z.string(),
    ended: z.string().nullable(),
    hosts: z.array(
      z.object({
        host: z.string(),
        state: z.enum(["waiting", "under way", "done", "failed", "offline"]),
        message: z.string(),
      }),
    ),
  }),
  examples: [{ command: "nixseal deploy watch", says: "follows what another operator deploys, to its end" }],
  run: async (context, { rollout: named, once }) => {
    const state = await openState(context, await openFleet(context));
    const rollout = named ?? (await newestRollout(state));
    const end = context.clock.now().getTime() + patience;
    const told = new Map<string, string>();
    for (;;) {
      const found = rollout === null ? null : await readRollout(state, rollout);
      if (rollout === null || found === null)
        throw new NixsealError(
          "not-found",
          rollout === null ? "there was no rollout yet" : `there is no rollout '${rollout}'`,
        );
      const { record, hosts } = found;
      for (const [host, { state: now, message }] of hosts) {
        if (told.get(host) === now) continue;
        told.set(host, now);
        if (!once)
          context.emit({ type: "step", message: `${host}: ${now}${message === "" ? "" : `: ${message}`}` });
      }
      if (once || record.ended !== null || context.clock.now().getTime() > end)
        return {
          rollout,
          began: record.began,
          by: record.by,
          ended: record.ended?.message ?? null,
          hosts: record.hosts.map((host) => {
            const known = hosts.get(host);
            return { host, state: known?.state ?? ("waiting" as const), message: known?.message ?? "" };
          }),
        };
      await context.clock.sleep(pause);
    }
  },
  text: ({ rollout, began, by, ended, hosts }, paint) =>
    [
      `${paint.strong(rollout)}  by ${by}, since ${began}: ${ended ?? "under way"}`,
      table(
        ["HOST", "STATE", ""],
        hosts.map(({ host, state, message }) => [
          host,
          state === "done"
            ? paint.good(state)
            : state === "failed" || state === "offline"
              ? paint.bad(state)
              : state,
          message,
        ]),
        paint,
      ),
    ].join("\n"),
  exit: ({ hosts, ended }) =>
    ended !== null && hosts.some(({ state }) => state !== "done") ? exitCodes.partial : exitCodes.done,
});
