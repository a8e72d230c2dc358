import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";

/**
 * The pid of a process that runs and when it started, in ticks since the machine did (proc(5), `/proc/PID/stat`, fields 1 and 22): no
 * two processes of one boot have both in common. Null when there is none, or when all that is left of it is its exit code.
 */
export async function startOf(
  files: Pick<Files, "read">,
  process: string,
): Promise<{ readonly pid: string; readonly start: string } | null> {
  const stat = await files.read(`/proc/${process}/stat`, { limit: 4096 }).catch((error: unknown) => {
    if (error instanceof NixsealError && error.code === "not-found") return null;
    throw error;
  });
  if (stat === null) return null;
  const text = Buffer.from(stat).toString("latin1");
  // The program's name, in brackets, may hold any bytes.
  const [state, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? null : { pid: text.split(" ")[0]!, start: rest[18]! };
}
