import type { Event } from "../core/events.ts";

/** For what is written while `streams.stdoutIsLost`. The exit code stays that of the work. */
export const lostOutput: Event = {
  type: "warning",
  message: "stdout is closed: the output went nowhere",
  hint: "use '> /dev/null' when it is not wanted",
};
