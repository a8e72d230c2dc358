import { setTimeout } from "node:timers/promises";
import type { Clock } from "../core/ports.ts";

export const clock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => setTimeout(milliseconds),
};
