/** What the receiver did, for the host's journal. */
import type { Json } from "../../core/canonical-json.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Processes } from "../../core/ports.ts";
import { utf8 } from "../../core/bytes.ts";

export interface GateLogEntry {
  readonly event: string;
  readonly [key: string]: Json;
}

export type GateLog = (entry: GateLogEntry) => void;

/** A refused client can send many paths; a journal is for what somebody reads. */
const mostEntries = 100_000;

/**
 * Lines of JSON through logger(1), which speaks to the journal or to whatever syslog there is: stderr of a forced command goes to the
 * client. Beside each entry stands who has logged in. A host without logger has no such lines; what came into the store
 * stands in the ledger in any case, which the deploy user cannot write.
 */
export function journal(
  processes: Pick<Processes, "converse" | "pid">,
  who: { readonly [key: string]: Json },
): { readonly log: GateLog; readonly end: () => Promise<void> } {
  let count = 0;
  let last: Promise<void> = Promise.resolve();
  const child = processes.converse({
    program: "logger",
    args: ["--tag", "nixseal-receive", `--id=${processes.pid}`],
    timeout: 10_000,
  });
  const log: GateLog = (entry) => {
    if (++count > mostEntries) return;
    const line = utf8(`${canonicalJson({ ...who, ...entry })}\n`);
    last = last.then(() => child.write(line)).catch(() => undefined);
  };
  return {
    log,
    end: async () => {
      await last;
      try {
        await child.end();
      } catch (error) {
        // Not installed: nothing that a client should be refused for.
        if (!(error instanceof NixsealError)) throw error;
      }
    },
  };
}
