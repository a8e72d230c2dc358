import { spawn, type ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { NixsealError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";

const busy = 75; // EX_TEMPFAIL, what flock(1) is told to exit with when somebody else holds the lock

/**
 * A kernel lock (flock), held by a child `flock FILE cat` whose stdin is our pipe: when this process ends, by
 * whatever signal, the pipe closes, `cat` ends and the kernel drops the lock. A lock file with a pid in it would
 * outlive a kill -9 and name a pid that somebody else has by now.
 */
export const lock: Files["lock"] = async (path, { wait, purpose }) => {
  const handle = await fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const seconds = String(Math.max(0, wait) / 1000);
  const child = spawn("flock", ["--exclusive", "--wait", seconds, "-E", String(busy), path, "cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const outcome = new Promise<number | "held">((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      const missing = new NixsealError("not-found", "flock is not installed", {
        hint: "install util-linux",
        cause,
      });
      reject(cause.code === "ENOENT" ? missing : cause);
    });
    child.once("exit", (status) => resolve(status ?? 1));
    child.stdout.once("data", () => resolve("held")); // cat gives back the byte below once it runs under the lock
    child.stdin.on("error", () => undefined); // flock ended without reading: `exit` tells why
    child.stdin.write("\n");
  });
  const code = await outcome.catch(async (cause) => {
    await handle.close();
    throw cause;
  });
  if (code === "held") {
    await handle.truncate();
    await handle.write(`${purpose} (pid ${process.pid}, since ${new Date().toISOString()})\n`, 0);
    child.unref();
    return { release: () => release(child, handle) };
  }
  const holder = (await handle.readFile("utf8")).slice(0, 200).trim();
  await handle.close();
  if (code === busy) {
    throw new NixsealError("conflict", `locked by ${holder === "" ? "another process" : holder}`, {
      hint: "wait until it is done, then try again",
      where: { file: path },
    });
  }
  throw new NixsealError("tool", `flock failed with exit code ${code}`, { where: { file: path } });
};

async function release(child: ChildProcess, handle: fs.FileHandle): Promise<void> {
  await handle.truncate();
  await handle.close();
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.ref();
  child.stdin?.end();
  await ended;
}
