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

/** Until no activation is under way: one that waits for its confirmation is waited for, and undone when none comes. */
export async function settle(gate: Gate): Promise<void> {
  for (;;) {
    const next = await whatNext(gate);
    if (next === "over") return;
    if (next === "waits") await gate.clock.sleep(pause);
    else await locked(gate, "recover", () => resumeOnce(gate), patience);
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
async function resumeOnce(gate: Gate): Promise<void> {
  const next = await whatNext(gate);
  if (typeof next === "object") await driveOn(gate, next);
}

async function driveOn(gate: Gate, activation: Activation): Promise<void> {
  const { toplevel, phase } = activation;
  await gate.say("recover", `the activation of ${toplevel} goes on: ${phase}`, { level: "warning" });
  await drive(gate, activation);
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
