/** `confirm` and `revert`: what becomes of a system that was activated and waits. */
import { GateRefusal, type GateResult } from "../answer.ts";
import { readGuard, writeGuard } from "../guard.ts";
import type { ConfirmMessage, RevertMessage } from "../message.ts";
import { readKnowledge } from "../state.ts";
import { readActivation } from "./activation.ts";
import { checkFence, decideConfirmation, mostAttempts } from "./decide.ts";
import { drive, keep } from "./drive.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { whereWeAre } from "./recover.ts";
import { resultOf } from "./result.ts";
import { confirmed, failed, resumed } from "./transitions.ts";

/** Over a connection of its own: that it arrives shows that the new system lets people in. */
export function confirm(gate: Gate, message: ConfirmMessage): Promise<GateResult> {
  return locked(gate, "confirm", async () => {
    const { files, paths, config, clock } = gate;
    const [known, guard] = [await readKnowledge(files, paths, config), await readGuard(files, paths)];
    const activation = await readActivation(files, paths);
    const here = await whereWeAre(gate);
    const context = { ...known, config, clock: clock.now() };
    const principal = decideConfirmation(message, activation, here, guard, context);
    const next = confirmed(activation!, principal);
    await gate.say("confirm", `${principal} confirms ${next.toplevel}`, { level: "notice" });
    return resultOf(gate, await drive(gate, await keep(gate, next)));
  });
}

/** By whoever may send messages: not confirming has the same effect. The order is spent, so that it does not come back by itself. */
export function revert(gate: Gate, message: RevertMessage): Promise<GateResult> {
  return locked(gate, "revert", async () => {
    const { files, paths } = gate;
    const activation = await readActivation(files, paths);
    if (activation === null)
      throw new GateRefusal(
        "not-waiting",
        "no activation is under way",
        "to go back to a former system order it: nixseal warrant create --rollback-to FILE",
      );
    const guard = await readGuard(files, paths);
    checkFence(message.fence, guard);
    if (guard.last !== null)
      await writeGuard(files, paths, { ...guard, last: { ...guard.last, count: mostAttempts } });
    const next = resumed(activation, await whereWeAre(gate)) ?? failed(activation, "undone on request");
    return resultOf(gate, await drive(gate, await keep(gate, next)));
  });
}
