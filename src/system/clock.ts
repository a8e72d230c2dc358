import { setTimeout } from "node:timers/promises";
import type { Clock } from "../core/ports.ts";

export const clock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, { background } = { background: false }) =>
    setTimeout(milliseconds, undefined, { ref: !background }),
};
