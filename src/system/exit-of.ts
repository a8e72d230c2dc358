import type { spawn } from "node:child_process";
import { constants } from "node:os";
import { NixsealError } from "../core/errors.ts";

/** The exit code; 128 + n when signal n ended it. It is killed after `limit` milliseconds. */
export function exitOf(child: ReturnType<typeof spawn>, program: string, limit: number): Promise<number> {
  const code = new Promise<number>((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === "ENOENT";
      reject(
        missing
          ? new NixsealError("not-found", `${program} is not installed`, {
              hint: "install it, or put it on PATH",
              cause,
            })
          : new NixsealError("io", `cannot start ${program}`, { cause }),
      );
    });
    child.once("close", (status, signal) =>
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
  return bounded(code, limit, () => {
    child.kill("SIGKILL");
    // What it has started may hold its pipes open, and us with them.
    child.stdout?.destroy();
    child.stderr?.destroy();
    return new NixsealError("timeout", `${program} did not end within ${limit / 1000} s`);
  });
}

/** The result of `work`, or the error of `expired` when it is not there in time. */
export function bounded<T>(work: Promise<T>, milliseconds: number, expired: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(expired()), milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
