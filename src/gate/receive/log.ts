/** What the receiver did, for the host's journal. */
import type { Json } from "../../core/canonical-json.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Clock, Processes } from "../../core/ports.ts";
import { utf8 } from "../../core/bytes.ts";

export interface GateLogEntry {
  readonly event: string;
  readonly [key: string]: Json;
}

export type GateLog = (entry: GateLogEntry) => void;

/** A refused client can send many paths; a journal is for what somebody reads. */
const mostEntries = 100_000;

/** Milliseconds: what comes within them is one write, which wakes logger once. */
const gathered = 50;
/** Milliseconds: a logger that hangs keeps no connection's place. */
const patience = 5000;

export interface JournalPorts {
  readonly processes: Pick<Processes, "converse" | "pid">;
  readonly clock: Pick<Clock, "sleep">;
}

/**
 * Lines of JSON through logger(1), which speaks to the journal or to whatever syslog there is: stderr of a forced command goes to the
 * client. Beside each entry stands who has logged in. A host without logger has no such lines; what came into the store
 * stands in the ledger in any case, which the deploy user cannot write.
 */
export function journal(
  { processes, clock }: JournalPorts,
  who: { readonly [key: string]: Json },
): { readonly log: GateLog; readonly end: () => Promise<void> } {
  let count = 0;
  let lines = "";
  let leaving: Promise<void> | null = null;
  const child = processes.converse({
    program: "logger",
    args: ["--tag", "nixseal-receive", `--id=${processes.pid}`],
    timeout: 10_000,
  });
  const log: GateLog = (entry) => {
    if (++count > mostEntries) return;
    lines += `${canonicalJson({ ...who, ...entry })}\n`;
    leaving ??= leave();
  };
  const leave = async (): Promise<void> => {
    await clock.sleep(gathered, { background: true });
    await flush();
  };
  const flush = async (): Promise<void> => {
    const now = utf8(lines);
    lines = "";
    leaving = null;
    if (now.length > 0) await child.write(now).catch(() => undefined);
  };
  const finish = async (): Promise<void> => {
    await flush();
    try {
      await child.end();
    } catch (error) {
      // Not installed: nothing that a client should be refused for.
      if (!(error instanceof NixsealError)) throw error;
    }
  };
  return {
    log,
    end: async () => {
      const late = clock.sleep(patience, { background: true }).then(() => child.kill());
      await Promise.race([finish(), late]);
    },
  };
}
