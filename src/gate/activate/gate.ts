/** What every step of an activation works with. */
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Processes, Random } from "../../core/ports.ts";
import type { Json } from "../../core/canonical-json.ts";
import type { GateConfig } from "../config.ts";
import type { GatePaths } from "../paths.ts";

/** Seconds. Whatever is waited for ends. */
export interface Bounds {
  /** One run of `switch-to-configuration`. */
  readonly switch: number;
  /** One health check. */
  readonly health: number;
  /** Hashing every file of a closure. */
  readonly rehash: number;
  /** A question to the store. */
  readonly store: number;
}

export const usualBounds: Bounds = { switch: 1800, health: 120, rehash: 3600, store: 300 };

export type Level = "info" | "notice" | "warning" | "error";

/** To the caller as an event, and to the journal. Never throws: whoever listened may have gone. */
export type Say = (
  step: string,
  message: string,
  more?: { readonly level?: Level; readonly data?: { readonly [key: string]: Json } },
) => Promise<void>;

export interface Gate {
  readonly files: Files;
  readonly processes: Pick<Processes, "run">;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: GateConfig;
  readonly paths: GatePaths;
  readonly bounds: Bounds;
  readonly say: Say;
  /** The account that sent the message; null for root itself. */
  readonly peer: number | null;
}
