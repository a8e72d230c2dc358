/** Takes an activation from phase to phase, each on the disk before the next begins, until it waits for a person or is over. */
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { readBootId, readUptime, writeActivation, type Activation } from "./activation.ts";
import { healthFault, runSwitch } from "./commands.ts";
import { finish } from "./finish.ts";
import type { Gate } from "./gate.ts";
import { runningSystem, setProfile } from "./store.ts";
import { committed, failed, healthy, reverted, revertFailed, tested, wayBack } from "./transitions.ts";

/** The caller holds the lock. Returns in phase `confirming`, or `finishing` when all is written down. */
export async function drive(gate: Gate, activation: Activation): Promise<Activation> {
  let current = activation;
  for (;;) {
    switch (current.phase) {
      case "confirming":
        return current;
      case "finishing":
        await finish(gate, current);
        return current;
      case "reverting":
        current = await keepIfPossible(gate, await goBack(gate, current));
        break;
      default:
        current = await goOn(gate, current);
    }
  }
}

/** Begins: from here on the activation is found after a kill or a power cut. */
export async function keep(gate: Gate, activation: Activation): Promise<Activation> {
  await writeActivation(gate.files, gate.paths, activation);
  return activation;
}

/** Whatever fails on the way forward, a full disk too, is a reason to go back. */
async function goOn(gate: Gate, activation: Activation): Promise<Activation> {
  let next = activation;
  try {
    next = await step(gate, activation);
    return await keep(gate, next);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    // All is done, and only the note is missing: doing it again when there is space is no harm, undoing it would be one.
    if (activation.phase === "committing" && next.phase === "finishing") throw error;
    return keepIfPossible(gate, failed(activation, `${activation.phase}: ${error.message}`));
  }
}

/**
 * The way back does not depend on being written down: what is on the disk leads back too (see `resumed`), and going back twice does
 * no harm.
 */
async function keepIfPossible(gate: Gate, activation: Activation): Promise<Activation> {
  try {
    return await keep(gate, activation);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    await gate.say("state", `cannot be written down: ${error.message}`, { level: "error" });
    return activation;
  }
}

async function step(gate: Gate, activation: Activation): Promise<Activation> {
  switch (activation.phase) {
    case "testing": {
      await gate.say("test", `activating ${activation.toplevel}`);
      const verdict = await runSwitch(gate, activation.toplevel, "test");
      return tested(activation, verdict, await runningSystem(gate));
    }
    case "checking": {
      await gate.say("health", `${gate.config.health.length} health checks`);
      const fault = await healthFault(gate);
      return fault === null ? healthy(activation, await confirmation(gate)) : failed(activation, fault);
    }
    case "committing":
      return commit(gate, activation);
    default:
      throw new NixsealError("bug", `no step leads on from '${activation.phase}'`);
  }
}

async function confirmation({ config, files, random }: Gate) {
  if (config.confirm === null) return null;
  return { nonce: hex(random.bytes(32)), deadline: (await readUptime(files)) + config.confirm.within };
}

/** The boot entry last: a power cut before it boots the former system. */
async function commit(gate: Gate, activation: Activation): Promise<Activation> {
  await gate.say("profile", `${gate.paths.profile} is ${activation.toplevel}`);
  await setProfile(gate, activation.toplevel);
  await gate.say("boot", "writing the boot entry");
  const verdict = await runSwitch(gate, activation.toplevel, "boot");
  return verdict.kind === "done" ? committed(activation) : failed(activation, verdict.reason);
}

async function goBack(gate: Gate, activation: Activation): Promise<Activation> {
  const { previous, before, reason } = activation;
  await gate.say("revert", reason ?? "undone", { level: "error" });
  try {
    const here = { bootId: await readBootId(gate.files), running: await runningSystem(gate) };
    const way = wayBack(activation, here);
    if (way.activate) await activateFormer(gate, previous);
    if (way.profile) await bootFormer(gate, before);
    return reverted(activation);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    await gate.say("revert", error.message, { level: "error" });
    return revertFailed(activation, error.message);
  }
}

async function bootFormer(gate: Gate, before: StorePath | null): Promise<void> {
  if (before === null) throw new NixsealError("not-found", "the profile held no system before");
  await setProfile(gate, before);
  const verdict = await runSwitch(gate, before, "boot");
  if (verdict.kind !== "done") throw new NixsealError("tool", verdict.reason);
}

/** Units of the former system that do not start, may not have run before either: it is the system that was asked for. */
async function activateFormer(gate: Gate, previous: StorePath | null): Promise<void> {
  if (previous === null) throw new NixsealError("not-found", "no system ran before");
  await gate.say("revert", `activating ${previous} again`, { level: "warning" });
  const verdict = await runSwitch(gate, previous, "test");
  if (verdict.kind === "done") return;
  if (verdict.kind !== "units") throw new NixsealError("tool", verdict.reason);
  await gate.say("revert", verdict.reason, { level: "warning" });
}
