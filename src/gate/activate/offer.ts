/** `offer`: a warrant is decided on and kept, so that its paths may come. The sequence does not move on before it is activated. */
import { NixsealError } from "../../core/errors.ts";
import { gateTime, readKnowledge, type GateKnowledge } from "../state.ts";
import { isPassedOver, linkOf, type Link } from "../../trust/warrant/sequence.ts";
import { sequenceOf } from "../../trust/warrant/state.ts";
import { parseWarrant, payloadDigest } from "../../trust/warrant/warrant.ts";
import { GateRefusal, type GateResult } from "../answer.ts";
import type { OfferMessage } from "../message.ts";
import { mostPending, pendingDigests, readPending, removePending, writePending } from "../pending.ts";
import { readActivation } from "./activation.ts";
import { decideOrder } from "./decide.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { moveTrust } from "./move-trust.ts";

export function offer(gate: Gate, message: OfferMessage): Promise<GateResult> {
  return locked(gate, "offer", async () => {
    const { files, paths, config, clock } = gate;
    const before = await readKnowledge(files, paths, config);
    const known = message.status === null ? before : await moveTrust(gate, before, message.status);
    const links = message.between.map((payload) => linkFrom(payload));
    const { warrant, digest } = message.warrant;
    const decision = decideOrder(message.warrant, links, { ...known, config, clock: clock.now() });
    const others = (await pruned(gate, known)).filter((other) => other !== digest);
    if (others.length >= mostPending)
      throw new GateRefusal(
        "too-many",
        `${others.length} warrants are offered already`,
        "activate one, or wait",
      );
    await writePending(files, paths, message.warrant, links);
    const { principals, threshold, skipped } = decision;
    const who = principals.join(", ");
    await gate.say("offer", `warrant ${warrant.seq} for ${sequenceOf(warrant.subject)}, signed by ${who}`, {
      level: "notice",
    });
    return { kind: "result", ok: true, warrant: digest, seq: warrant.seq, principals, threshold, skipped };
  });
}

/** From the bytes, never from what the sender says of them: the digest of each is what the next one names. */
function linkFrom(payload: Uint8Array): Link {
  return linkOf({ warrant: parseWarrant(payload), digest: payloadDigest(payload) });
}

/** What is still worth keeping of what was offered: neither past its end nor passed over by an accepted order. */
async function pruned(gate: Gate, known: GateKnowledge): Promise<string[]> {
  const { files, paths } = gate;
  const now = gateTime(gate.clock, known);
  const underWay = (await readActivation(files, paths))?.warrant;
  const kept: string[] = [];
  for (const digest of await pendingDigests(files, paths)) {
    const envelope = await readPending(files, paths, digest).catch((error: unknown) => {
      if (!(error instanceof NixsealError) || error.code === "io") throw error;
      return null; // damaged: whoever wants it offers it again
    });
    const isPast =
      envelope === null || now >= envelope.warrant.expires || isPassedOver(envelope, known.accepted);
    if (digest === underWay) kept.push(digest);
    else if (isPast) await removePending(files, paths, digest);
    else kept.push(digest);
  }
  return kept;
}
