import * as z from "zod";
import { exitCodes, type ExitCode } from "../../core/exit.ts";
import type { Paint } from "../op.ts";
import { table } from "../table.ts";

const result = z.object({
  name: z.string(),
  target: z.string(),
  state: z.enum(["audited", "unchanged", "failed"]),
  affected: z.number(),
  unknown: z.number(),
  failing: z.number().describe("findings at or above the target's fail_on"),
  new: z.number().describe("affected since the last round, and not before"),
  gone: z.number(),
  stale: z.boolean(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
});
export type RoundResult = z.output<typeof result>;

export const roundSchema = z.object({ into: z.string(), at: z.string(), targets: z.array(result) });
export type Round = z.output<typeof roundSchema>;

export function roundText({ into, targets }: Round, paint: Paint): string {
  const rows = targets.map(({ name, state, affected, unknown, failing, stale, error, ...counts }) => [
    paint.strong(name),
    state === "failed" ? paint.bad(state) : paint.weak(state),
    error === null
      ? `${failing === 0 ? paint.good(`${affected} affected`) : paint.bad(`${affected} affected`)}, ${unknown} unknown${stale ? paint.bad(", STALE advisories") : ""}`
      : error.message,
    [counts.new === 0 ? "" : `${counts.new} new`, counts.gone === 0 ? "" : `${counts.gone} gone`]
      .filter((part) => part !== "")
      .join(", "),
  ]);
  const failed = targets.filter(({ state }) => state === "failed").length;
  const failing = targets.filter((target) => target.failing > 0).length;
  const same = targets.filter(({ state }) => state === "unchanged").length;
  const sum = `${targets.length} targets, ${same} unchanged; ${failing} with findings that count, ${failed} could not be audited; see ${into}/index.html`;
  return `${table(["target", "", "found", "changed"], rows, paint)}\n\n${sum}`;
}

/** By the worst: advisories that are too old, then a target that nobody could look at, then findings. */
export function roundExit({ targets }: Round): ExitCode {
  if (targets.some(({ stale }) => stale)) return exitCodes.stale;
  if (targets.some(({ state }) => state === "failed")) return exitCodes.partial;
  return targets.some(({ failing }) => failing > 0) ? exitCodes.findings : exitCodes.done;
}
