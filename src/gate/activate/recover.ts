/** Going on with what was cut short: by a kill, a power cut, or because nobody confirmed it. */
import { GateRefusal } from "../answer.ts";
import { readActivation, readBootId, readUptime, type Activation } from "./activation.ts";
import { drive } from "./drive.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { runningSystem } from "./store.ts";
import { resumed, type Here } from "./transitions.ts";

/** Milliseconds between two looks, and for which another driver is waited for: it may have to go back and try thrice. */
const pause = 500;
const patience = 6 * 3600_000;

/**
 * Until no activation is under way: one that waits for its confirmation is waited for, and undone when none comes. The one that was brought
 * to its end here, if any was.
 */
export async function settle(gate: Gate): Promise<Activation | null> {
  let ended: Activation | null = null;
  for (;;) {
    const next = await whatNext(gate);
    if (next === "over") return ended;
    if (next === "waits") await gate.clock.sleep(pause);
    else ended = await locked(gate, "recover", () => resumeOnce(gate), patience);
  }
}

/** For a caller that holds the lock and wants to begin something new. Throws `busy` when one waits for its confirmation. */
export async function resumeHeld(gate: Gate): Promise<void> {
  const next = await whatNext(gate);
  if (next === "waits")
    throw new GateRefusal("busy", "an activation waits for its confirmation", "confirm it, or send 'revert'");
  if (next !== "over") await driveOn(gate, next);
}

/** Looked at again: another driver may have been the holder of the lock. */
async function resumeOnce(gate: Gate): Promise<Activation | null> {
  const next = await whatNext(gate);
  return typeof next === "object" ? driveOn(gate, next) : null;
}

async function driveOn(gate: Gate, activation: Activation): Promise<Activation> {
  const { toplevel, phase } = activation;
  await gate.say("recover", `the activation of ${toplevel} goes on: ${phase}`, { level: "warning" });
  return drive(gate, activation);
}

async function whatNext(gate: Gate): Promise<Activation | "over" | "waits"> {
  const activation = await readActivation(gate.files, gate.paths);
  if (activation === null) return "over";
  return resumed(activation, await whereWeAre(gate)) ?? "waits";
}

export async function whereWeAre(gate: Gate): Promise<Here> {
  const { files } = gate;
  return {
    bootId: await readBootId(files),
    uptime: await readUptime(files),
    running: await runningSystem(gate),
  };
}
