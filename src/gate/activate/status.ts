/** `status`: what the gate knows, for whoever is to send the next message. Nothing in it is secret. */
import { readGuard } from "../guard.ts";
import { pendingDigests, readActive } from "../pending.ts";
import { gateTime, readKnowledge } from "../state.ts";
import { formatTime } from "../../trust/root/root.ts";
import { headsJson } from "../../trust/warrant/state.ts";
import type { GateResult } from "../answer.ts";
import { needsBoot } from "../store/boot-parts.ts";
import { systemAt } from "../store/systems.ts";
import { placeOf } from "../paths.ts";
import { readActivation, readKernelBoot, readUptime } from "./activation.ts";
import type { Gate } from "./gate.ts";
import { profileTarget, runningSystem } from "./store.ts";

export async function status(gate: Gate): Promise<GateResult> {
  const { files, paths, config, clock } = gate;
  const known = await readKnowledge(files, paths, config);
  const activation = await readActivation(files, paths);
  const { last, fence } = await readGuard(files, paths);
  const active = await readActive(files, paths);
  return {
    kind: "result",
    ok: true,
    fleet: config.fleet,
    host: config.host,
    root: known.trust.root.root.version,
    krl: known.trust.krl === null ? null : String(known.trust.krl.version),
    time: formatTime(gateTime(clock, known)),
    clock: formatTime(clock.now()),
    heads: headsJson(known.accepted.heads),
    pending: await pendingDigests(files, paths),
    running: await runningSystem(gate),
    boot: await readKernelBoot(files),
    uptime: await readUptime(files),
    reboot: await awaitsBoot(gate),
    active: active?.digest ?? null,
    fence,
    last: last === null ? null : { ...last },
    activation:
      activation === null
        ? null
        : {
            phase: activation.phase,
            toplevel: activation.toplevel,
            warrant: activation.warrant,
            // For whoever activated with a stock client, which shows no data. Confirming takes a signature.
            nonce: activation.nonce,
          },
  };
}

/** Whether the next boot brings another kernel, initrd or modules than run now; null where the systems do not say. */
async function awaitsBoot(gate: Gate): Promise<boolean | null> {
  const { files, paths, config } = gate;
  const booted = await systemAt(files, paths.root, "/run/booted-system", config.storeDirectory);
  const next = await profileTarget(gate);
  if (booted === null || next === null) return null;
  return needsBoot(files, placeOf(paths, booted), placeOf(paths, next));
}
