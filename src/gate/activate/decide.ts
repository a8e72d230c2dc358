/** Whether a message to the gate is followed. Pure: what is known and what is asked come in, a decision or a refusal comes out. */
import { verifySignature } from "../../ssh/signature.ts";
import { signedData, type SshSig } from "../../ssh/sshsig.ts";
import { decideRight } from "../../trust/certificates/decide.ts";
import { effectiveTime } from "../../trust/root/decide.ts";
import { decideWarrant, type WarrantAccepted } from "../../trust/warrant/decide.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import type { Action } from "../../trust/warrant/model.ts";
import type { Link } from "../../trust/warrant/sequence.ts";
import { sequenceOf, type WarrantState } from "../../trust/warrant/state.ts";
import { GateRefusal } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import type { Guard } from "../guard.ts";
import {
  confirmationText,
  confirmNamespace,
  type ActivateMessage,
  type ConfirmMessage,
  type GateAction,
} from "../message.ts";
import type { Fence } from "../message-fields.ts";
import type { GateKnowledge } from "../state.ts";
import { trustFloor } from "../trust.ts";
import type { Activation } from "./activation.ts";
import type { Here } from "./transitions.ts";

/** How often one order is tried: who holds the deploy key could otherwise stop and start a host's services until the order expires. */
export const mostAttempts = 8;

export interface Known extends GateKnowledge {
  readonly config: GateConfig;
  readonly clock: Date;
}

/**
 * How far one order moves the fence. A lease's number rises by one each time it changes hands; a larger step is invented, and the largest
 * number there is would refuse every lease for ever.
 */
const largestStep = 1 << 20;

/** What a warrant allows, beside trying it out dry. `boot` asks for neither health nor confirmation, so `switch` does not allow it. */
const allowed: Readonly<Record<Action, readonly GateAction[]>> = {
  switch: ["switch", "test", "dry-activate"],
  boot: ["boot", "dry-activate"],
  test: ["test", "dry-activate"],
};

/**
 * Whether the host may do what the warrant orders, as the next order or as the newest accepted one once more (after a kill, a power cut,
 * or an attempt that failed). Throws `GateRefusal`.
 */
export function decideOrder(
  envelope: WarrantEnvelope,
  between: readonly Link[],
  known: Known,
): WarrantAccepted {
  const { config, accepted, trust, clock } = known;
  if (config.mode !== "warrants")
    throw new GateRefusal(
      "mode",
      "this host's gate is in stage 0 and knows no warrants",
      "activate with stock tools",
    );
  const floor = trustFloor(trust, accepted.floor);
  const decision = decideWarrant(
    { envelope, between },
    {
      root: trust.root.root,
      revocations: trust.krl,
      host: { name: config.host, labels: config.tags },
      storeDirectory: config.storeDirectory,
      state: { ...withoutItself(accepted, envelope), floor },
      clock,
    },
  );
  if (!decision.accepted) throw new GateRefusal(decision.code, decision.reason);
  // nix-store and nix-env would build it: what comes out of that, nobody signed.
  if (envelope.warrant.toplevel.endsWith(".drv"))
    throw new GateRefusal("action", "the warrant is for a derivation, not for a system");
  return decision;
}

/** The newest order of its sequence is no replay of an older one; whether it is superseded by another sequence's is still asked. */
function withoutItself(state: WarrantState, { warrant, digest }: WarrantEnvelope): WarrantState {
  const sequence = sequenceOf(warrant.subject);
  if (state.heads.get(sequence)?.digest !== digest) return state;
  return { ...state, heads: new Map([...state.heads].filter(([name]) => name !== sequence)) };
}

/** Before anything is done for the message: the guard to be kept. Throws `GateRefusal`. */
export function decideAttempt(
  message: ActivateMessage,
  { warrant, digest }: WarrantEnvelope,
  guard: Guard,
  accepted: WarrantState,
): Guard {
  if (!allowed[warrant.action].includes(message.action))
    throw new GateRefusal("action", `the warrant orders '${warrant.action}', not '${message.action}'`);
  checkFence(message.fence, guard);
  const again = accepted.heads.get(sequenceOf(warrant.subject))?.digest === digest;
  // Something else was done since, at the console say: whoever brought it about does not want it undone by an order from before.
  if (again && guard.last?.warrant !== digest)
    throw new GateRefusal("spent", "another system was activated since this warrant was", signAgain);
  const count = again ? guard.last!.count : 0;
  if (count >= mostAttempts)
    throw new GateRefusal("spent", "the warrant was undone on purpose, or tried too often", signAgain);
  return {
    fence: Math.max(guard.fence, Math.min(message.fence ?? 0, guard.fence + largestStep)),
    last: { warrant: digest, count: count + 1, outcome: null },
  };
}

const signAgain = "order it once more with 'nixseal warrant create --rollback-to FILE', and sign that";

/** Whoever lost the lease must not go on as if they had it. */
export function checkFence(fence: Fence, guard: Guard): void {
  if (fence !== null && fence < guard.fence)
    throw new GateRefusal("stale-fence", `the lease ${fence} is over: ${guard.fence} was seen`);
}

/** Who confirms the activation that waits. Throws `GateRefusal`. */
export function decideConfirmation(
  { nonce, signature, fence }: ConfirmMessage,
  activation: Activation | null,
  here: Pick<Here, "bootId" | "uptime">,
  guard: Guard,
  { config, trust, accepted, clock }: Known,
): string {
  if (activation?.phase !== "confirming" || activation.bootId !== here.bootId)
    throw new GateRefusal("not-waiting", "no activation waits for a confirmation");
  if (here.uptime >= activation.deadline!)
    throw new GateRefusal("not-waiting", "the confirmation comes too late");
  if (nonce !== activation.nonce)
    throw new GateRefusal("nonce", "this is not the nonce of the activation that waits");
  checkFence(fence, guard);
  const about = { fleet: config.fleet, host: config.host, warrant: activation.warrant ?? "", nonce };
  return decideMember(signature, confirmNamespace, confirmationText(about), {
    config,
    trust,
    accepted,
    clock,
  });
}

/** Who has signed the text: a member who may activate on this host, now. Throws `GateRefusal`. */
export function decideMember(
  signature: SshSig,
  wanted: string,
  text: Uint8Array,
  { config, trust, accepted, clock }: Known,
): string {
  const { signer, namespace } = signature;
  if (namespace !== wanted)
    throw new GateRefusal("confirmation", `the signature is for namespace '${namespace.slice(0, 64)}'`);
  if (signer.type !== "certificate")
    throw new GateRefusal("confirmation", "signed with a bare key, which stands for nobody");
  const host = { name: config.host, labels: config.tags };
  const now = effectiveTime(clock, trustFloor(trust, accepted.floor));
  const right = decideRight(
    { certificate: signer, right: "activate", host },
    { root: trust.root.root, revocations: trust.krl, now },
  );
  if (!right.accepted) throw new GateRefusal("confirmation", right.reason);
  const data = signedData(text, signature);
  const checked = verifySignature(signer.key, data, signature.signature, {
    userVerification: right.userVerification,
  });
  if (!checked.accepted) throw new GateRefusal("confirmation", checked.reason);
  return right.principal;
}
