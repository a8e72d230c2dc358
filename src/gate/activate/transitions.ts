/** How an activation goes from phase to phase. Pure: everything that is decided about the course is here, every effect elsewhere. */
import type { StorePath } from "../../nix/store-path.ts";
import type { Activation } from "./activation.ts";
import type { SwitchVerdict } from "./switch-verdict.ts";

/** How often going back is tried before a person must look. */
export const mostTries = 3;

export type Beginning = Omit<
  Activation,
  "phase" | "nonce" | "deadline" | "confirmedBy" | "touched" | "tries" | "reason" | "outcome"
>;

export function begun(beginning: Beginning): Activation {
  const activation: Activation = {
    ...beginning,
    phase: "testing",
    nonce: null,
    deadline: null,
    confirmedBy: null,
    touched: false,
    tries: 0,
    reason: null,
    outcome: null,
  };
  return beginning.action === "boot" ? kept(activation) : activation;
}

/** After `switch-to-configuration test`. `running` is what /run/current-system names now. */
export function tested(
  activation: Activation,
  verdict: SwitchVerdict,
  running: StorePath | null,
): Activation {
  if (verdict.kind === "done") return { ...activation, phase: "checking" };
  // It says so before it does anything (exit code 100); if something else runs now, it is not what it says.
  if (verdict.kind === "needs-boot" && running === activation.previous)
    return { ...activation, phase: "finishing", outcome: "unchanged", reason: verdict.reason };
  return failed(activation, verdict.reason);
}

/** Healthy: somebody confirms it, where the host's configuration asks for that. */
export function healthy(
  activation: Activation,
  confirmation: { readonly nonce: string; readonly deadline: number } | null,
): Activation {
  return confirmation === null ? kept(activation) : { ...activation, ...confirmation, phase: "confirming" };
}

export function confirmed(activation: Activation, principal: string): Activation {
  return kept({ ...activation, confirmedBy: principal });
}

/** It stays: until the next boot, or from now on. `touched` is on the disk before profile and boot entry are. */
function kept(activation: Activation): Activation {
  if (activation.action === "test") return { ...activation, phase: "finishing", outcome: "tested" };
  return { ...activation, phase: "committing", touched: true };
}

export function committed(activation: Activation): Activation {
  return {
    ...activation,
    phase: "finishing",
    outcome: activation.action === "boot" ? "next-boot" : "active",
  };
}

/** Something went wrong: back. The first reason is the one to tell. */
export function failed(activation: Activation, reason: string): Activation {
  return {
    ...activation,
    phase: "reverting",
    reason: activation.reason ?? reason.slice(0, 1024).toWellFormed(),
  };
}

export function reverted(activation: Activation): Activation {
  return { ...activation, phase: "finishing", outcome: "reverted" };
}

export function revertFailed(activation: Activation, reason: string): Activation {
  const tries = activation.tries + 1;
  const told = `${activation.reason ?? "undone"}; going back failed: ${reason}`.slice(0, 2048).toWellFormed();
  if (tries < mostTries) return { ...activation, tries };
  return { ...activation, tries, phase: "finishing", outcome: "broken", reason: told };
}

export interface Here {
  readonly bootId: string;
  readonly uptime: number;
  readonly running: StorePath | null;
}

/**
 * Where to go on from, when nobody drives the activation any more (the lock is free): the driver was killed, or the machine started
 * anew. Null: it waits for its confirmation, and has time left.
 *
 * In the same boot what was confirmed goes on, all else goes back. After another boot what runs decides: power loss is never a reason
 * to switch systems under somebody who chose an entry of the boot menu.
 */
export function resumed(activation: Activation, here: Here): Activation | null {
  const { phase, bootId, toplevel, deadline } = activation;
  if (phase === "finishing") return activation;
  const isSame = bootId === here.bootId;
  const restarted = "the machine started anew meanwhile";
  if (phase === "committing") {
    // On with it only where it is what runs: a way back on a full disk may not have been written down.
    const goesOn = here.running === toplevel || (activation.action === "boot" && isSame);
    return goesOn ? activation : failed(activation, isSame ? "it does not run any more" : restarted);
  }
  if (!isSame) {
    if (phase === "reverting" && activation.touched) return activation;
    return {
      ...activation,
      phase: "finishing",
      outcome: "interrupted",
      reason: activation.reason ?? restarted,
    };
  }
  if (phase === "reverting") return activation;
  if (phase !== "confirming") return failed(activation, `cut short while ${phase}`);
  return here.uptime < deadline! ? null : failed(activation, "nobody confirmed it in time");
}

/** What going back has to do: activate the former system, put profile and boot entry back. */
export function wayBack(
  { action, bootId, touched, toplevel }: Activation,
  here: Pick<Here, "bootId" | "running">,
): { readonly activate: boolean; readonly profile: boolean } {
  // Half an activation leaves /run/current-system as it was: in the same boot what runs cannot be told from it.
  const mayRun = bootId === here.bootId || here.running === toplevel;
  return { activate: action !== "boot" && mayRun, profile: touched };
}
