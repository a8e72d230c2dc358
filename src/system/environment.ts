import type { Environment } from "../core/ports.ts";

/** An empty variable counts as unset, as most programs have it. */
export const environment: Environment = {
  get: (name) => (process.env[name] === "" ? undefined : process.env[name]),
};
