import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/file-ports.ts";

const busy = 75; // EX_TEMPFAIL, what flock(1) is told to exit with when somebody else holds the lock
const grace = 10_000; // milliseconds that flock(1) may take beside the wait

/**
 * A kernel lock (flock) on our own descriptor. flock(1) takes it on the copy that it is given and ends; the lock is
 * that of the open file (flock(2)), so it stays until this process closes it or ends, by whatever signal. A lock file
 * with a pid in it would outlive a kill -9 and name a pid that somebody else has by now. No second process holds it:
 * ctrl-c at the terminal would end that one while we go on without the lock.
 */
export const lock: Files["lock"] = async (path, { wait, purpose }) => {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!fstatSync(descriptor).isFile())
      throw new NixsealError("io", "the lock is not a regular file", { where: { file: path } });
    const code = await flock(descriptor, Math.max(0, wait));
    if (code !== 0) throw refusal(code, path, descriptor);
    sayWho(descriptor, purpose);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    release: async () => {
      ftruncateSync(descriptor);
      closeSync(descriptor);
    },
  };
};

/** For whoever comes next. The lock holds without it: on a full disk too there must be a way on, and back. */
function sayWho(descriptor: number, purpose: string): void {
  try {
    ftruncateSync(descriptor);
    writeSync(descriptor, `${purpose} (pid ${process.pid}, since ${new Date().toISOString()})\n`, 0);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
  }
}

function flock(descriptor: number, wait: number): Promise<number> {
  const args = ["--exclusive", "--wait", String(wait / 1000), "-E", String(busy), "3"];
  const child = spawn("flock", args, {
    stdio: ["ignore", "ignore", "ignore", descriptor],
    timeout: wait + grace,
    killSignal: "SIGKILL",
  });
  return new Promise((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const missing = new NixsealError("not-found", "flock is not installed", {
        hint: "install util-linux",
        cause,
      });
      reject(cause.code === "ENOENT" ? missing : cause);
    });
    child.once("exit", (status) => resolve(status ?? 1));
  });
}

function refusal(code: number, path: string, descriptor: number): NixsealError {
  if (code !== busy)
    return new NixsealError("tool", `flock failed with exit code ${code}`, {
      hint: "the file system may have no locks: look at how it is mounted",
      where: { file: path },
    });
  const start = Buffer.alloc(200);
  const holder = start.toString("utf8", 0, readSync(descriptor, start, 0, start.length, 0)).trim();
  return new NixsealError("conflict", `locked by ${holder === "" ? "another process" : holder}`, {
    hint: "wait until it is done, then try again",
    where: { file: path },
  });
}
