import { setTimeout } from "node:timers/promises";
import type { Clock } from "../core/ports.ts";

export const clock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds, until) => {
    try {
      await setTimeout(milliseconds, undefined, until === undefined ? {} : { signal: until });
    } catch (error) {
      if (until?.aborted !== true) throw error;
    }
  },
};
