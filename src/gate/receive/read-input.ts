import { NixsealError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { Patience } from "../../nix/protocol/patience.ts";
import type { ClientPort } from "./stdin-port.ts";

/** Milliseconds for what is small. */
const waits = { idle: 30_000, waiting: 120_000 };
const longestPassword = 4096;

/** Everything up to the end, at most `limit` bytes. Throws `limit` or `timeout`. */
export async function readAll(
  port: ClientPort,
  clock: Pick<Clock, "sleep">,
  limit: number,
): Promise<Uint8Array> {
  const patience = new Patience(clock, waits);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (
    let piece = await patience.wait(port.read());
    piece !== null;
    piece = await patience.wait(port.read())
  ) {
    size += piece.length;
    if (size > limit) throw new NixsealError("limit", `more than ${limit} bytes were sent`);
    parts.push(Uint8Array.from(piece)); // its memory is used again for the next one
  }
  return Buffer.concat(parts);
}

/** The password for sudo that `nixos-rebuild --ask-sudo-password` sends first: read, not kept, and needed by nobody. */
export async function skipPassword(port: ClientPort, clock: Pick<Clock, "sleep">): Promise<void> {
  const patience = new Patience(clock, waits);
  let size = 0;
  for (
    let piece = await patience.wait(port.read());
    piece !== null;
    piece = await patience.wait(port.read())
  ) {
    const end = piece.indexOf(0x0a);
    const rest = end === -1 ? new Uint8Array(0) : Uint8Array.from(piece.subarray(end + 1));
    size += piece.length;
    piece.fill(0);
    port.putBack(rest);
    if (end !== -1) return;
    if (size > longestPassword) throw new NixsealError("limit", "the line for sudo is too long");
  }
}
