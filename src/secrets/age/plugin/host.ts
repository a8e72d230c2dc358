import type { Processes } from "../../../core/ports.ts";
import type { PluginUi } from "./ui.ts";

/** What it takes to work with plugins: a way to start them and a way for them to ask. */
export interface PluginHost {
  readonly processes: Pick<Processes, "converse">;
  readonly ui: PluginUi;
  /** Milliseconds that a plugin may be silent. Default: three minutes, enough to find a key and touch it. */
  readonly patience?: number | undefined;
}
