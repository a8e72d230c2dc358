/** How far `nix copy` is, from what it logs as `internal-json`: lines `@nix {…}` on stderr. */

export interface CopyProgress {
  readonly done: number;
  readonly total: number;
  /** Bytes where Nix says how many it expects (2.19 and newer), else store paths. */
  readonly unit: "bytes" | "paths";
}

/** Nix's numbers (logging.hh): activities `actCopyPath` and `actCopyPaths`, results `resProgress` and `resSetExpected`. */
const copyPath = 100;
const copyPaths = 103;
const progressResult = 105;
const expectedResult = 106;

/** A longer line is a message for people, and more activities at once than this no copy has. */
const most = { line: 64 << 10, running: 10_000 };

/** Reads the log as it comes. What it does not understand it passes over: another Nix may log other things. */
export class CopyLog {
  #rest = "";
  /** Bytes of each path that is being copied, by its activity. */
  readonly #running = new Map<number, number>();
  #all: number | null = null;
  #finishedBytes = 0;
  #finishedPaths = 0;
  #expectedBytes = 0;
  #expectedPaths = 0;
  #error: string | null = null;

  /** Whether there is anything new to tell. */
  feed(text: string): boolean {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!.slice(0, most.line);
    let changed = false;
    for (const line of lines) if (this.#read(line)) changed = true;
    return changed;
  }

  /** Null until it is known how much there is. */
  get progress(): CopyProgress | null {
    if (this.#expectedBytes > 0) {
      const done = [...this.#running.values()].reduce((sum, bytes) => sum + bytes, this.#finishedBytes);
      return { done: Math.min(done, this.#expectedBytes), total: this.#expectedBytes, unit: "bytes" };
    }
    if (this.#expectedPaths === 0) return null;
    return {
      done: Math.min(this.#finishedPaths, this.#expectedPaths),
      total: this.#expectedPaths,
      unit: "paths",
    };
  }

  /** The last error that it told, without colours; null when there was none. */
  get error(): string | null {
    return this.#error;
  }

  #read(line: string): boolean {
    const entry = entryOf(line);
    if (entry === null) return false;
    const { action, id, type, text, fields } = entry;
    switch (action) {
      case "msg":
        if (entry.level === 0 && typeof entry.msg === "string") this.#error = withoutColours(entry.msg);
        return false;
      case "start":
        return this.#start(id, type, text);
      case "result":
        return this.#result(id, type, fields);
      case "stop":
        return this.#stop(id);
      default:
        return false;
    }
  }

  #start(id: number, type: unknown, text: unknown): boolean {
    if (type === copyPath && this.#running.size < most.running) this.#running.set(id, 0);
    const many =
      type === copyPaths && typeof text === "string" ? /^copying ([0-9]{1,9}) paths$/.exec(text) : null;
    if (many === null) return false;
    this.#all = id;
    this.#expectedPaths = Number(many[1]);
    return true;
  }

  #result(id: number, type: unknown, fields: unknown): boolean {
    const [first, second] = Array.isArray(fields) ? (fields as unknown[]) : [];
    if (!isCount(first)) return false;
    if (type === progressResult && this.#running.has(id)) {
      this.#running.set(id, first);
      return this.#expectedBytes > 0;
    }
    if (type !== expectedResult || id !== this.#all || first !== copyPath || !isCount(second)) return false;
    this.#expectedBytes = second;
    return true;
  }

  #stop(id: number): boolean {
    const bytes = this.#running.get(id);
    if (bytes === undefined) return false;
    this.#running.delete(id);
    this.#finishedBytes += bytes;
    this.#finishedPaths++;
    return true;
  }
}

interface Entry {
  readonly action?: unknown;
  readonly id: number;
  readonly type?: unknown;
  readonly text?: unknown;
  readonly fields?: unknown;
  readonly level?: unknown;
  readonly msg?: unknown;
}

function entryOf(line: string): Entry | null {
  if (!line.startsWith("@nix {") || line.length > most.line) return null;
  try {
    const value = JSON.parse(line.slice("@nix ".length)) as Partial<Entry>;
    return { ...value, id: isCount(value.id) ? value.id : -1 };
  } catch {
    return null; // a line that two programs wrote at once, say: the next one counts
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function withoutColours(text: string): string {
  return text.replaceAll(/\p{Cc}\[[0-9;]*m/gu, "");
}
