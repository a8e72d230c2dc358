/**
 * What whoever takes a lease says to its holder: one line of JSON, then the values one behind the other and nothing between. Values are
 * never text, so that all bytes can stand in them and no copy stays behind in a string. The holder answers with one line.
 */
import { concat, utf8, utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { list, nullable, object, oneOf, text, wrong, type Check } from "../../core/shape.ts";
import { limits } from "../age/limits.ts";
import { nameCheck } from "../manifest-fields.ts";

export interface LeaseRequest {
  readonly v: 1;
  /** Seconds after which the lease ends, whoever still wants it. */
  readonly seconds: number;
  /** Seconds without a byte after which whoever took it counts as gone; null where the end of the pipe tells, on one machine. */
  readonly silence: number | null;
  /**
   * `0400`, or `0444` for files that Nix puts into a sandbox, where the build runs as another user. Outside nobody else passes
   * the directory.
   */
  readonly mode: "0400" | "0444";
  readonly secrets: readonly { readonly name: string; readonly size: number }[];
}

export interface LeaseAnswer {
  /** The directory, a file a secret. */
  readonly lease: string;
  /** Swap on disks, which pages of a tmpfs may reach. */
  readonly swap: readonly string[];
}

export const leaseLimits = {
  /** Bytes of a line. */
  line: 256 << 10,
  secrets: 1024,
  value: limits.plaintext,
  /** Bytes of all values. */
  total: 256 << 20,
  /** A week. */
  seconds: 7 * 24 * 3600,
} as const;

const whole =
  (least: number, most: number): Check<number> =>
  (value, path) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw wrong(path, `a whole number from ${least} to ${most}`, value);
  };

const requestCheck = object<LeaseRequest>({
  v: oneOf(1),
  seconds: whole(1, leaseLimits.seconds),
  silence: nullable(whole(1, 3600)),
  mode: oneOf("0400", "0444"),
  secrets: list(object({ name: nameCheck, size: whole(0, leaseLimits.value) }), leaseLimits.secrets, 1),
});

/** No character of it means anything to a shell, to nix.conf or to a list with blanks: it ends up in all of these. */
const plainPath = text(
  (given) => given.length < 4096 && /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(given),
  "an absolute path of plain characters",
);

const answerCheck = object<LeaseAnswer>({
  lease: plainPath,
  swap: list(
    text((given) => /^[\x20-\x7e]{1,200}$/.test(given), "printable text"),
    64,
  ),
});

/** Throws `limit` for what no holder would take. */
export function checkSizes(secrets: LeaseRequest["secrets"]): void {
  const total = secrets.reduce((sum, { size }) => sum + size, 0);
  if (secrets.length > leaseLimits.secrets)
    throw new NixsealError(
      "limit",
      `${secrets.length} secrets, at most ${leaseLimits.secrets} go in a lease`,
    );
  if (total > leaseLimits.total)
    throw new NixsealError(
      "limit",
      `the values have ${total} bytes, at most ${leaseLimits.total} go in a lease`,
    );
}

export function formatLine(value: LeaseRequest | LeaseAnswer): Uint8Array {
  return utf8(`${JSON.stringify(value)}\n`);
}

/** Throws `malformed` or `limit`. */
export function parseRequest(line: Uint8Array): LeaseRequest {
  const request = checked(line, requestCheck);
  checkSizes(request.secrets);
  if (new Set(request.secrets.map(({ name }) => name)).size < request.secrets.length)
    throw new NixsealError("malformed", "a secret is there twice");
  return request;
}

/** The holder's line; what is none of that was said by something else. Throws `malformed`, or the holder's own error. */
export function parseAnswer(line: Uint8Array): LeaseAnswer {
  try {
    return checked(line, answerCheck);
  } catch (error) {
    throw problemOf(line) ?? notAHolder(error);
  }
}

const told = ["not-found", "conflict", "malformed", "limit", "io", "timeout", "refused"] as const;

/** The document of an error, as `nixseal-agent --json` writes it. */
function problemOf(line: Uint8Array): NixsealError | null {
  try {
    const said = JSON.parse(utf8Text(line, "the answer")) as Readonly<Record<string, unknown>> | null;
    if (typeof said?.["message"] !== "string") return null;
    const hint = typeof said["hint"] === "string" ? said["hint"] : undefined;
    return new NixsealError(told.find((code) => code === said["code"]) ?? "tool", said["message"], { hint });
  } catch {
    return null;
  }
}

function notAHolder(cause: unknown): NixsealError {
  return new NixsealError("tool", "what answered is no holder of leases", {
    hint: "nothing may write to stdout there before it: look at what the login shell starts",
    cause,
  });
}

function checked<T>(line: Uint8Array, check: Check<T>): T {
  try {
    return check(JSON.parse(utf8Text(line, "the message")), "$");
  } catch (cause) {
    if (cause instanceof NixsealError && cause.code === "limit") throw cause;
    // Not with the parser's own words, which quote what they read.
    const why = cause instanceof NixsealError ? `: ${cause.message}` : "";
    throw new NixsealError("malformed", `this is not a lease's message${why}`, { cause });
  }
}

/** A stream in pieces, of which lines and counted bytes are taken, and what is no longer needed is wiped. */
export class LeaseReader {
  readonly #pieces: () => Promise<Uint8Array | null>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: () => Promise<Uint8Array | null>) {
    this.#pieces = pieces;
  }

  /** The next line, without its end. `malformed` when the stream ends before, `limit` for a longer one. */
  async line(): Promise<Uint8Array> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end > leaseLimits.line || (end === -1 && this.#rest.length > leaseLimits.line))
        throw new NixsealError("limit", `a line has more than ${leaseLimits.line} bytes`);
      if (end !== -1) {
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      const [former, piece] = [this.#rest, await this.#more()];
      this.#rest = concat(former, piece);
      former.fill(0);
      piece.fill(0);
    }
  }

  /** Exactly so many bytes, in a buffer of their own. */
  async take(size: number): Promise<Uint8Array> {
    const taken = new Uint8Array(size);
    for (let filled = 0; filled < size;) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const piece = this.#rest.subarray(0, size - filled);
      taken.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
      piece.fill(0);
    }
    return taken;
  }

  async #more(): Promise<Uint8Array> {
    const piece = await this.#pieces();
    if (piece === null) throw new NixsealError("malformed", "it ends before all was said");
    return piece;
  }
}
