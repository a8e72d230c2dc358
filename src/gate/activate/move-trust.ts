import { heldBack, type StatusBundle } from "../../trust/warrant/status-bundle.ts";
import { GateRefusal } from "../answer.ts";
import { gateTime, writeKnowledge, type GateKnowledge } from "../state.ts";
import { decideTrust } from "../trust.ts";
import type { Gate } from "./gate.ts";

/** Root, then revocation list: kept at once, so that the next message, whoever sends it, is judged by them. */
export async function moveTrust(
  gate: Gate,
  known: GateKnowledge,
  bundle: StatusBundle,
): Promise<GateKnowledge> {
  const { trust, accepted } = known;
  const decision = decideTrust(trust, bundle, gateTime(gate.clock, known));
  if (!decision.accepted) throw new GateRefusal(decision.code, decision.reason);
  for (const sequence of heldBack(accepted, bundle))
    await gate.say("offer", `there are newer warrants for ${sequence} than this host has accepted`, {
      level: "warning",
    });
  const moved = { trust: decision, accepted };
  const [version, list] = [trust.root.root.version, trust.krl?.version];
  if (decision.root.root.version === version && decision.krl?.version === list) return known;
  await writeKnowledge(gate.files, gate.paths, moved);
  const now = `root ${decision.root.root.version}, revocation list ${decision.krl?.version ?? "none"}`;
  await gate.say("trust", `${now} from here on`, { level: "notice" });
  return moved;
}
