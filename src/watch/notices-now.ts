/** Notices as the program reads them: no schema is needed for that, and none is loaded where a terminal waits. */
import { NixsealError } from "../core/errors.ts";
import { exitCodes, type ExitCode } from "../core/exit.ts";
import type { Files } from "../core/file-ports.ts";
import type { Clock } from "../core/ports.ts";
import { staleness } from "./freshness.ts";
import { noticesFile } from "./layout.ts";
import { noticesText } from "./notices-text.ts";
import { readNotices, type Notices } from "./notices.ts";

export interface NoticesNow extends Notices {
  /** Why there may be more than this. */
  readonly stale: string | null;
  readonly now: string;
}

export async function noticesNow(
  { files, clock }: { readonly files: Pick<Files, "read" | "statusOfLink">; readonly clock: Clock },
  file: string = noticesFile,
): Promise<NoticesNow> {
  const found = await readNotices(files, file);
  if (found === null)
    throw new NixsealError("not-found", "nothing has watched here yet", {
      hint: "'nixseal-agent watch' does, on hosts; see docs/watch.md",
      where: { file },
    });
  const now = clock.now();
  return { ...found, stale: staleness(found, now), now: now.toISOString() };
}

export const textOf = (notices: NoticesNow): string =>
  `${noticesText(notices, new Date(notices.now)).join("\n")}\n`;

/** As for the look itself: a feed that was refused and a unit that could not be stopped are not "nothing". */
export function exitOf({ stale, notices, stopped, problems }: NoticesNow): ExitCode {
  const has = (code: string): boolean => problems.some((one) => one.code === code);
  if (has("refused")) return exitCodes.refused;
  if (stale !== null) return exitCodes.stale;
  if (has("partial")) return exitCodes.partial;
  return notices.length + stopped.length > 0 ? exitCodes.findings : exitCodes.done;
}
