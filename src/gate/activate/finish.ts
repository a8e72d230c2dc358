/** Writing down how an activation ended. Every step may be done twice, since a kill between two of them has it done again. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { readGuard, writeGuard, type Outcome } from "../guard.ts";
import { readPending, removePending, writeActive } from "../pending.ts";
import { removeActivation, type Activation } from "./activation.ts";
import type { Gate } from "./gate.ts";
import { writeReceipt } from "./receipt.ts";
import { unprotect } from "./store.ts";

/** Outcomes after which the new system is the one that counts. */
export function isKept(outcome: Outcome | null): boolean {
  return outcome === "active" || outcome === "tested" || outcome === "next-boot";
}

export async function finish(gate: Gate, activation: Activation): Promise<void> {
  const { files, paths } = gate;
  const { outcome, warrant } = activation;
  await gate.say("receipt", outcomeText(activation), { level: isKept(outcome) ? "notice" : "error" });
  await writeReceipt(gate, activation);
  if (isKept(outcome)) await keepAsActive(gate, warrant);
  const guard = await readGuard(files, paths);
  const count = guard.last?.warrant === warrant ? guard.last.count : 1;
  await writeGuard(files, paths, { ...guard, last: { warrant, count, outcome } });
  await removeActivation(files, paths);
  if (isKept(outcome) && warrant !== null) await removePending(files, paths, warrant);
  await unprotect(gate, "new", "previous", "before");
}

/** The warrant that its paths may be repaired by from now on, and a root for what runs. */
async function keepAsActive({ files, paths }: Gate, warrant: string | null): Promise<void> {
  const envelope = warrant === null ? null : await readPending(files, paths, warrant);
  if (envelope !== null) await writeActive(files, paths, envelope);
  // Done before, the pending one is gone; at the console there was none, and the former warrant is not what runs.
  if (warrant === null) await gone(files.remove(paths.active));
  await gone(files.rename(join(paths.gcroots, "new"), join(paths.gcroots, "active")));
}

async function gone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "not-found") throw error;
  }
}

export function outcomeText({ outcome, toplevel, reason }: Activation): string {
  const why = reason === null ? "" : `: ${reason}`;
  switch (outcome) {
    case "active":
      return `${toplevel} is active`;
    case "tested":
      return `${toplevel} runs until the next boot`;
    case "next-boot":
      return `${toplevel} is what boots next`;
    case "unchanged":
      return `nothing was changed${why}`;
    case "reverted":
      return `the former system is back${why}`;
    case "interrupted":
      return `${toplevel} was given up${why}`;
    default:
      return `neither the new nor the former system could be brought up${why}`;
  }
}
