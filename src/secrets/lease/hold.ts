/** The side that keeps the values: a directory in memory that is gone when whoever wanted it is. */
import { join } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import type { Files, Lock } from "../../core/file-ports.ts";
import type { Clock } from "../../core/ports.ts";
import { swapOnDisk } from "../swap.ts";
import { removeAbandoned } from "./abandoned.ts";
import { formatLine, LeaseReader, parseRequest, type LeaseRequest } from "./message.ts";

export interface HoldPorts {
  readonly files: Pick<
    Files,
    | "create"
    | "fileSystem"
    | "list"
    | "lock"
    | "privateDirectory"
    | "read"
    | "shredTree"
    | "status"
    | "statusOfLink"
  >;
  readonly clock: Pick<Clock, "sleep">;
}

/** Why a lease ended: its taker closed the pipe, was silent for too long, or the time was up. */
export type LeaseEnd = "closed" | "silent" | "over";

/** The lock that says that somebody holds this lease; not a name that a secret can have. */
export const heldMark = ".held";

/**
 * Takes the request and the values from stdin, puts them into a fresh directory in memory, says where, and keeps them until stdin ends,
 * falls silent or the time is up. However it ends, by an error too, everything is overwritten and removed first; what a signal
 * ends, `privateDirectory` does. `malformed` and `limit` as of the message; `refused` where there is no memory to keep it in.
 */
export async function holdLease(
  ports: HoldPorts,
  stdin: AsyncIterable<Uint8Array>,
  answer: (line: Uint8Array) => Promise<void>,
  say: (text: string) => void,
): Promise<LeaseEnd> {
  const { files, clock } = ports;
  const pieces = stdin[Symbol.asyncIterator]();
  const next = async (): Promise<Uint8Array | null> => {
    const { done, value } = await pieces.next();
    return done === true ? null : value;
  };
  const silence = (seconds: number): Promise<LeaseEnd> =>
    clock.sleep(seconds * 1000, { background: true }).then(() => "silent" as const);
  // Before the request is read nothing is known of its bounds, and nobody keeps us by saying nothing.
  const reader = new LeaseReader(() => orGone(next(), silence(idle)));
  const request = parseRequest(await reader.line());
  const over = clock.sleep(request.seconds * 1000, { background: true }).then(() => "over" as const);

  const directory = await files.privateDirectory();
  let lock: Lock | null = null;
  try {
    lock = await files.lock(join(directory, heldMark), { wait: 5_000, purpose: "nixseal lease" });
    for (const problem of await removeAbandoned(files, directory)) say(problem);
    await writeValues(files, directory, request, reader);
    await answer(formatLine({ lease: directory, swap: await swapOnDisk(files, directory) }));
    for (;;) {
      const heard = next();
      heard.catch(() => undefined); // the race may be over by then
      const waits = request.silence === null ? [] : [silence(request.silence)];
      const first = await Promise.race([heard, over, ...waits]);
      if (first === null) return "closed";
      if (typeof first === "string") return first;
    }
  } finally {
    await files.shredTree(directory);
    await lock?.release();
  }
}

/** Seconds between two pieces of the request. */
const idle = 120;

async function orGone(
  piece: Promise<Uint8Array | null>,
  silence: Promise<LeaseEnd>,
): Promise<Uint8Array | null> {
  const first = await Promise.race([piece, silence]);
  if (typeof first !== "string") return first;
  throw new NixsealError("timeout", `nothing came for ${idle} s`);
}

async function writeValues(
  files: Pick<Files, "create">,
  directory: string,
  { secrets, mode }: LeaseRequest,
  reader: LeaseReader,
): Promise<void> {
  for (const { name, size } of secrets) {
    const value = await reader.take(size);
    try {
      await files.create(join(directory, name), value, { mode: Number.parseInt(mode, 8) });
    } finally {
      value.fill(0);
    }
  }
}
