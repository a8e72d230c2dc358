/** What a deployment will do, as data: printed, kept, looked at by others, and executed by `deploy apply`. */
import { utf8 } from "../core/bytes.ts";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import type { StorePath } from "../nix/store-path.ts";
import type { Action } from "../trust/warrant/model.ts";
import type { RolloutPlan } from "./rollout.ts";
import type { SecretChanges } from "./secret-changes.ts";
import type { UnitChanges } from "./unit-changes.ts";

/** Counts of packages, and bytes of NARs: after minus before. */
export interface PlannedChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** `openssl 3.0.1 → 3.0.2`. */
  readonly changed: readonly string[];
  readonly rebuilt: number;
  readonly bytes: number;
}

export interface PlannedHost {
  readonly name: string;
  readonly toplevel: StorePath;
  /** The order that the host will get, below the fleet's directory. `digest` binds the plan to that one. */
  readonly warrant: { readonly file: string; readonly seq: number; readonly digest: string };
  /** What it ran when the plan was made; null when it could not be asked. */
  readonly current: { readonly toplevel: StorePath | null; readonly warrant: string | null } | null;
  /** Null when what it runs is not known here. */
  readonly change: PlannedChange | null;
  /** Kernel, initrd, their modules or parameters change: they count from the next boot. Null where that is not known. */
  readonly reboot: boolean | null;
  /** Null when neither the store here has both systems nor the host was asked, or when nothing is activated now. */
  readonly units: UnitChanges | null;
  /** Null when it cannot be told. */
  readonly secrets: SecretChanges | null;
}

/** Whether hosts start anew after the activation: never, those that must, all that were changed. */
export const reboots = ["never", "if-needed", "always"] as const;
export type Reboots = (typeof reboots)[number];

export interface DeployPlan {
  readonly fleet: string;
  /** 16 random bytes in hex: the rollout's name in the shared state and in the log. */
  readonly id: string;
  readonly created: Date;
  readonly action: Action;
  readonly reboots: Reboots;
  readonly rollout: RolloutPlan;
  readonly hosts: readonly PlannedHost[];
}

/** By the host's word when the plan was made. */
export function runsItAlready({ current, warrant }: Pick<PlannedHost, "current" | "warrant">): boolean {
  return current?.warrant === warrant.digest;
}

export const planLimit = 64 << 20;

/** Canonical JSON and a line end. */
export function formatPlan(plan: DeployPlan): Uint8Array {
  const { fleet, id, created, action, reboots: when, rollout, hosts } = plan;
  const { budget, ...waves } = rollout;
  const value = {
    v: 2,
    fleet,
    id,
    created: created.toISOString(),
    action,
    reboots: when,
    rollout: { ...waves, budget: { ...budget } },
    hosts: hosts.map((host) => host as unknown as Json),
  };
  return utf8(`${canonicalJson(value)}\n`);
}
