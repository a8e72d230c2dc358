import { NixsealError } from "../../core/errors.ts";
import type { Candidate } from "../../inventory/selector-entry.ts";
import { decideWarrant, type WarrantDecision } from "../../trust/warrant/decide.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { unwarranted } from "../../trust/warrant/refusal.ts";
import { openFleet } from "../fleet-context.ts";
import type { Context } from "../op.ts";
import { openTrustIfAny } from "../trust/open.ts";
import { hostsOf } from "./hosts.ts";
import { keptState } from "./kept-state.ts";
import { storeDirectory } from "./nix-store.ts";

export interface Judgement {
  readonly decision: WarrantDecision;
  readonly hosts: string[];
}

/** For every host that the warrant is for, by the fleet's root; the first host that refuses decides. */
export async function judgeWarrant(
  context: Context,
  envelope: WarrantEnvelope,
  given: { readonly state?: string | undefined; readonly after?: string | undefined },
): Promise<Judgement> {
  const { directory, fleet } = await openFleet(context);
  const trust = await openTrustIfAny(context, directory);
  if (trust === null)
    throw new NixsealError("refused", "there is no root, so nobody's signature means anything", {
      hint: "'nixseal trust init' makes one",
    });
  const { root, krl, now } = trust;
  const { state, between } = await keptState(context, directory, envelope, given);
  const rest = { root, revocations: krl, storeDirectory: storeDirectory(context), state, clock: now };
  const decide = (host: Candidate): WarrantDecision =>
    decideWarrant({ envelope, between }, { ...rest, host });
  const [first, ...others] = hostsOf(fleet, root, envelope.warrant.subject);
  if (first === undefined) {
    const nobody = unwarranted("wrong-group", `no host is in the group '${envelope.warrant.subject.name}'`);
    return { decision: { ...nobody, threshold: root.warrant.threshold, signatures: [] }, hosts: [] };
  }
  let decision = decide(first);
  for (const host of others) if (decision.accepted) decision = decide(host);
  return { decision, hosts: [first, ...others].map(({ name }) => name) };
}
