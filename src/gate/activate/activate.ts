/** `activate`: decided once more, written down, then done. */
import { GateRefusal, type GateResult } from "../answer.ts";
import { readGuard, writeGuard } from "../guard.ts";
import type { ActivateMessage } from "../message.ts";
import { readLinks, readPending } from "../pending.ts";
import { readKnowledge, writeKnowledge } from "../state.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { sequenceOf } from "../../trust/warrant/state.ts";
import { readBootId, type Activation } from "./activation.ts";
import { runSwitch, switchProgram } from "./commands.ts";
import { decideAttempt, decideOrder } from "./decide.ts";
import { drive, keep } from "./drive.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { resumeHeld, settle } from "./recover.ts";
import { resultOf, settledResult } from "./result.ts";
import {
  checkClosure,
  profileTarget,
  protect,
  protectOrdered,
  rehashClosure,
  requirePresent,
  runningSystem,
  unprotect,
} from "./store.ts";
import { begun } from "./transitions.ts";

export async function activate(gate: Gate, message: ActivateMessage): Promise<GateResult> {
  const driven = await locked(gate, message.action, async () => {
    await resumeHeld(gate);
    const { envelope, principals } = await admit(gate, message);
    const former = await makeReady(gate, envelope, message);
    if (message.action === "dry-activate") return dryRun(gate, envelope);
    const { warrant, digest } = envelope;
    const activation = begun({
      ...former,
      action: message.action,
      bootId: await readBootId(gate.files),
      toplevel: warrant.toplevel,
      warrant: digest,
      sequence: sequenceOf(warrant.subject),
      seq: warrant.seq,
      principals,
      peer: gate.peer,
      log: message.log,
      began: gate.clock.now(),
    });
    return drive(gate, await keep(gate, activation));
  });
  if ("kind" in driven) return driven;
  if (driven.phase !== "confirming") return resultOf(gate, driven);
  await askForConfirmation(gate, driven);
  const ended = await settle(gate);
  return ended?.nonce === driven.nonce ? resultOf(gate, ended) : settledResult(gate, driven);
}

/** Decided with all that is known; on the disk before anything is done about it, so that it cannot be had twice. */
async function admit(
  gate: Gate,
  message: ActivateMessage,
): Promise<{ readonly envelope: WarrantEnvelope; readonly principals: readonly string[] }> {
  const { files, paths, config, clock } = gate;
  const known = await readKnowledge(files, paths, config);
  const envelope = await readPending(files, paths, message.warrant);
  if (envelope === null)
    throw new GateRefusal(
      "not-offered",
      "this warrant is not among those that were offered",
      "offer it first",
    );
  const links = await readLinks(files, paths, message.warrant);
  const { principals, state } = decideOrder(envelope, links, { ...known, config, clock: clock.now() });
  await requirePresent(gate, envelope.warrant);
  const guard = decideAttempt(message, envelope, await readGuard(files, paths), known.accepted);
  if (message.action !== "dry-activate") {
    // The guard first: an accepted order without its attempt would count as given up.
    await writeGuard(files, paths, guard);
    await writeKnowledge(files, paths, { trust: known.trust, accepted: state });
  }
  const { seq, subject, toplevel } = envelope.warrant;
  await gate.say("accepted", `${message.action} ${toplevel} by warrant ${seq} for ${sequenceOf(subject)}`, {
    level: "notice",
    data: { warrant: message.warrant, principals, peer: gate.peer },
  });
  return { envelope, principals };
}

/** Roots first, then the look: what is checked stays. And a way back, or none of it. */
async function makeReady(
  gate: Gate,
  { warrant }: WarrantEnvelope,
  { action, rehash }: ActivateMessage,
): Promise<Pick<Activation, "previous" | "before">> {
  const former = await formerSystem(gate, action !== "boot" && action !== "dry-activate");
  try {
    await protectOrdered(gate, warrant.toplevel);
    await checkClosure(gate, warrant);
    if (rehash) await rehashClosure(gate, warrant);
  } catch (error) {
    await unprotect(gate, "new", "previous", "before");
    throw error;
  }
  await gate.say("closure", `the store holds exactly the ${warrant.paths.length} paths that were signed`);
  return former;
}

/** Kept from the collector too, and able to be switched to: saved now, never guessed later. */
export async function formerSystem(
  gate: Gate,
  isNeeded: boolean,
): Promise<Pick<Activation, "previous" | "before">> {
  const [previous, before] = [await runningSystem(gate), await profileTarget(gate)];
  const canSwitch = previous !== null && (await gate.files.status(switchProgram(gate, previous))) !== null;
  if (isNeeded && !canSwitch)
    throw new GateRefusal(
      "no-way-back",
      previous === null ? "no system runs that could be gone back to" : `${previous} cannot be switched to`,
      "the first system is activated at the console: nixseal-agent activate --console PATH",
    );
  if (previous !== null && isNeeded) await protect(gate, "previous", previous);
  if (before !== null) await protect(gate, "before", before);
  return { previous, before };
}

async function dryRun(gate: Gate, { warrant, digest }: WarrantEnvelope): Promise<GateResult> {
  const verdict = await runSwitch(gate, warrant.toplevel, "dry-activate");
  await unprotect(gate, "new", "previous", "before");
  if (verdict.kind === "done")
    return { kind: "result", ok: true, outcome: "dry", warrant: digest, toplevel: warrant.toplevel };
  return { kind: "result", ok: false, code: "dry", reason: verdict.reason, hint: null };
}

async function askForConfirmation(gate: Gate, { nonce, warrant, toplevel }: Activation): Promise<void> {
  const { fleet, host, confirm } = gate.config;
  const { within } = confirm!;
  await gate.say("confirm", `${toplevel} runs; it is undone in ${within} s unless somebody confirms it`, {
    level: "notice",
    data: { fleet, host, nonce, warrant, within },
  });
}
