/** `reboot`: the machine starts anew, into the system that was ordered. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { GateResult } from "../answer.ts";
import { readGuard } from "../guard.ts";
import { readActive } from "../pending.ts";
import type { RebootMessage } from "../reboot-message.ts";
import { readKnowledge } from "../state.ts";
import { readActivation, readKernelBoot, readUptime } from "./activation.ts";
import { runBounded } from "./commands.ts";
import { decideReboot } from "./decide-reboot.ts";
import type { Gate } from "./gate.ts";
import { locked } from "./locked.ts";
import { profileTarget } from "./store.ts";

/** Seconds: systemd answers when the reboot is queued, not when it is done. */
const patience = 60;

/** The answer may or may not arrive before the machine goes down: whoever asked looks at the boot that comes. */
export function reboot(gate: Gate, message: RebootMessage): Promise<GateResult> {
  return locked(gate, "reboot", async () => {
    const { files, paths, config, clock } = gate;
    const known = { ...(await readKnowledge(files, paths, config)), config, clock: clock.now() };
    const active = await readActive(files, paths);
    const boot = await readKernelBoot(files);
    const principal = decideReboot(
      message,
      {
        activation: await readActivation(files, paths),
        guard: await readGuard(files, paths),
        active,
        profile: await profileTarget(gate),
        boot,
        uptime: await readUptime(files),
      },
      known,
    );
    await gate.say("reboot", `${principal} has it start anew into ${active!.warrant.toplevel}`, {
      level: "notice",
      data: { warrant: message.warrant, principal, peer: gate.peer },
    });
    const { code, stderr } = await runBounded(gate, [systemctl(gate), "reboot"], patience);
    if (code !== 0)
      throw new NixsealError(
        "tool",
        `systemctl reboot failed: ${stderr.trim().split("\n").at(-1)!.slice(0, 500)}`,
      );
    return { kind: "result", ok: true, boot };
  });
}

/** A gate below a directory must not start the machine that it is looked at from: there, what stands in for systemd is asked. */
function systemctl({ paths: { root } }: Gate): string {
  return root === "" ? "systemctl" : join(root, "usr/bin/systemctl");
}
