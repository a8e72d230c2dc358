/**
 * What a process has brought into the store and the ledger does not have yet. Entries go into the ledger many at once, since each time
 * costs a lock and a wait for the disk; until then they stand in a file of the process's own, from before the sender hears of them. So a
 * process that is killed loses none: `takeIn` finds the file.
 */
import { basename, join } from "node:path";
import { concat, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Files, LogFile } from "../../core/file-ports.ts";
import { entryJson, type LedgerEntry } from "./entry.ts";
import { ledgerLimits, segmentsOf } from "./segments.ts";
import { startOf } from "./process-start.ts";

/** `SEGMENT-PID-START-NUMBER.wal` */
export interface WriteAheadName {
  readonly file: string;
  /** The ledger's newest when the file was made: what is in the file can only have gone into this one or a later one. */
  readonly segment: number;
  readonly pid: string;
  /** As of `startOf`, so that another process with the pid of an ended one is not taken for it. */
  readonly start: string;
}

/** Of all processes, in the order of their names; none where there is no ledger yet. */
export async function writeAheadsOf(
  files: Pick<Files, "list">,
  directory: string,
): Promise<WriteAheadName[]> {
  const names = await files.list(directory).catch((error: unknown) => {
    if (error instanceof NixsealError && error.code === "not-found") return [];
    throw error;
  });
  return names.flatMap((file) => {
    const [, segment, pid, start] = /^([0-9]{8})-([0-9]+)-([0-9]+)-[0-9]+\.wal$/.exec(file) ?? [];
    return segment === undefined ? [] : [{ file, segment: Number(segment), pid: pid!, start: start! }];
  });
}

/** `begun` before Nix is asked to take the path, `entry` when it has. */
export type WriteAheadLine = "begun" | "entry";

export class WriteAhead {
  readonly #files: Pick<Files, "createLog" | "list" | "makeDirectory" | "read" | "remove">;
  readonly #directory: string;
  #current: Promise<{ readonly path: string; readonly log: LogFile }> | null = null;
  #size = 0;
  /** Whether the file may end within a line, for which the disk had no room. */
  #torn = false;

  constructor(
    files: Pick<Files, "createLog" | "list" | "makeDirectory" | "read" | "remove">,
    directory: string,
  ) {
    this.#files = files;
    this.#directory = directory;
  }

  /** Bytes in the file that is written to. */
  get size(): number {
    return this.#size;
  }

  /** Outlives a kill of this process when it resolves. Throws `limit` for what no line of the ledger can hold. */
  async write(kind: WriteAheadLine, entry: LedgerEntry): Promise<void> {
    const line = utf8(`${canonicalJson({ [kind]: entryJson(entry) })}\n`);
    if (line.length > ledgerLimits.line - 256)
      throw new NixsealError("limit", `the ledger cannot hold ${line.length} bytes about ${entry.path}`);
    this.#size += line.length;
    if (this.#current === null) {
      const made = this.#create();
      made.catch(() => {
        if (this.#current === made) this.#current = null; // the next one tries again
      });
      this.#current = made;
    }
    const { log } = await this.#current;
    try {
      await log.append(this.#torn ? concat(utf8("\n"), line) : line);
      this.#torn = false;
    } catch (error) {
      this.#torn = true;
      throw error;
    }
  }

  /** What is written from now on goes to another file. The result takes this one away, for when the ledger has what it says. */
  turn(): () => Promise<void> {
    const former = this.#current;
    this.#current = null;
    this.#size = 0;
    this.#torn = false;
    return async () => {
      const file = await former;
      await file?.log.close();
      if (file !== null) await this.#files.remove(file.path);
    };
  }

  /** When nothing is written any more. The name of the file, which stays; null where there is none. */
  async close(): Promise<string | null> {
    const file = await this.#current;
    this.#current = null;
    await file?.log.close();
    return file === null ? null : basename(file.path);
  }

  async #create() {
    await this.#files.makeDirectory(this.#directory, { mode: 0o755, parents: true });
    const segment = (await segmentsOf(this.#files, this.#directory)).at(-1) ?? 1;
    const { pid, start } = (await startOf(this.#files, "self"))!;
    for (let number = 1; ; number++) {
      const name = `${String(segment).padStart(8, "0")}-${pid}-${start}-${number}.wal`;
      const path = join(this.#directory, name);
      try {
        return { path, log: await this.#files.createLog(path, { mode: 0o600 }) };
      } catch (error) {
        // The file before this one, on its way into the ledger.
        if (!(error instanceof NixsealError) || error.code !== "conflict") throw error;
      }
    }
  }
}
