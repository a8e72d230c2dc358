/** Where the gate's things lie. Every path of the configuration is one on the host; `root` prefixes them all (images, tests). */
import { join } from "node:path";
import { storeDirectoryOf, type StorePath } from "../nix/store-path.ts";
import type { GateConfig } from "./config.ts";

export interface GatePaths {
  /** Prefix of the host: empty for the running system. */
  readonly root: string;
  /** What `--store` of Nix gets: a directory; null for the machine's own store. */
  readonly store: string | null;
  readonly state: string;
  /** The newest accepted root and revocation list (`Trust`). */
  readonly trust: string;
  /** What was accepted (`formatWarrantState`, checked). */
  readonly accepted: string;
  /** The last attempt and the highest fence (`Guard`). */
  readonly guard: string;
  /** Offered warrants, `DIGEST.json`. */
  readonly pending: string;
  /** The warrant of the running system. */
  readonly active: string;
  /** Present only while an activation is under way. */
  readonly activation: string;
  readonly ledger: string;
  readonly receipts: string;
  readonly quarantine: string;
  /** Archives on their way into the place of others; root's alone. */
  readonly copies: string;
  readonly lock: string;
  readonly gcroots: string;
  readonly profile: string;
  readonly hostKey: string;
  /** The root from which trust begins. */
  readonly anchor: string;
  /** `/run/current-system`: the system that runs. */
  readonly running: string;
}

export const gateState = "/var/lib/nixseal/gate";

export function gatePaths(
  root: string,
  config: Pick<GateConfig, "store" | "profile" | "hostKey" | "root">,
): GatePaths {
  const state = join(root, gateState);
  const store = config.store === null ? (root === "" ? null : root) : join(root, config.store);
  return {
    root,
    store,
    state,
    trust: join(state, "trust.json"),
    accepted: join(state, "state.json"),
    guard: join(state, "guard.json"),
    pending: join(state, "pending"),
    active: join(state, "active.json"),
    activation: join(state, "activation.json"),
    ledger: join(state, "ledger"),
    receipts: join(state, "receipts"),
    quarantine: join(state, "quarantine"),
    copies: join(state, "copies"),
    lock: join(state, "lock"),
    gcroots: join(store ?? "/", "nix/var/nix/gcroots/nixseal"),
    profile: join(root, config.profile),
    hostKey: join(root, config.hostKey),
    anchor: join(root, config.root),
    running: join(root, "run/current-system"),
  };
}

/** Where the files of a store path are: in a chroot store its name and its place differ. */
export function placeOf({ store }: Pick<GatePaths, "store">, path: StorePath): string {
  return store === null
    ? path
    : join(store, storeDirectoryOf(path), path.slice(storeDirectoryOf(path).length + 1));
}
