/** Who sent the message, and may be listening. */
import { NixsealError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { answerLine, type GateEvent, type GateResult } from "../gate/answer.ts";
import { visible } from "./text.ts";

/** Milliseconds for one line. */
const patience = 5000;

/**
 * Tells what happens, as NDJSON or in words. A connection that broke, or whose other side reads nothing, is told nothing more: with a system
 * half activated nobody may be waited for.
 */
export function listener(
  out: (text: string) => Promise<void>,
  clock: Clock,
  json: boolean,
): (...said: readonly (GateEvent | GateResult)[]) => Promise<void> {
  let isThere = true;
  return async (...said) => {
    if (!isThere) return;
    const text = said.map((what) => (json ? answerLine(what) : visible(words(what)))).join("");
    isThere = await inTime(clock, out(text));
  };
}

/** Whether the work ended well, and within the time for one line. */
export async function inTime(clock: Clock, work: Promise<void>): Promise<boolean> {
  const done = work.then(
    () => true,
    (error: unknown) => {
      if (error instanceof NixsealError) return false;
      throw error;
    },
  );
  return Promise.race([done, clock.sleep(patience, { background: true }).then(() => false)]);
}

function words(what: GateEvent | GateResult): string {
  if (what.kind === "event") return `${what.step}: ${what.message}\n`;
  if (!what.ok) return `${what.reason} [${what.code}]\n${what.hint === null ? "" : `  hint: ${what.hint}\n`}`;
  return `${JSON.stringify(what, null, 2)}\n`;
}
