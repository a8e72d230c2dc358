/** Break-glass: a system activated at the machine's console, without a warrant. Root can do that anyway; this way it is written down. */
import { parseStorePath } from "../../nix/store-path.ts";
import type { GateResult } from "../answer.ts";
import { readGuard, writeGuard } from "../guard.ts";
import type { Action } from "../../trust/warrant/model.ts";
import { formerSystem } from "./activate.ts";
import { readBootId } from "./activation.ts";
import { drive, keep } from "./drive.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { resumeHeld } from "./recover.ts";
import { resultOf } from "./result.ts";
import { protect, runningSystem } from "./store.ts";
import { begun } from "./transitions.ts";

/**
 * The same course as for a warrant, with the way back where there is one; the person who watches is the confirmation. No accepted
 * warrant brings the former system back by itself afterwards: that takes a new order.
 */
export function activateAtConsole(gate: Gate, path: string, action: Action): Promise<GateResult> {
  const here: Gate = { ...gate, config: { ...gate.config, confirm: null } };
  const toplevel = parseStorePath(path, gate.config.storeDirectory);
  return locked(here, "console", async () => {
    const { files, paths } = here;
    await here.say("console", `${toplevel} is activated at the console, without a warrant`, {
      level: "warning",
    });
    await resumeHeld(here);
    const guard = await readGuard(files, paths);
    await writeGuard(files, paths, { ...guard, last: { warrant: null, count: 1, outcome: null } });
    const isFirst = (await runningSystem(here)) === null;
    const former = await formerSystem(here, !isFirst && action !== "boot");
    await protect(here, "new", toplevel);
    const activation = begun({
      ...former,
      action,
      bootId: await readBootId(files),
      toplevel,
      warrant: null,
      sequence: null,
      seq: null,
      principals: [],
      log: null,
      peer: here.peer,
      began: here.clock.now(),
    });
    return resultOf(here, await drive(here, await keep(here, activation)));
  });
}
