/** The receiver's way to the root side: a socket of systemd, or one line of sudo. */
import { join } from "node:path";
import { concat, utf8Text } from "../../core/bytes.ts";

import { NixsealError } from "../../core/errors.ts";
import type { Files } from "../../core/file-ports.ts";
import type { Clock, Processes, Sockets } from "../../core/ports.ts";
import { Field } from "../../nix/json-fields.ts";
import { Patience } from "../../nix/protocol/patience.ts";
import type { BytePort } from "../../nix/protocol/port.ts";

export const gateSocket = "/run/nixseal-gate.sock";

export interface RootSidePorts {
  readonly sockets: Sockets;
  readonly processes: Pick<Processes, "converse">;
  readonly files: Pick<Files, "status" | "statusOfLink">;
  readonly clock: Pick<Clock, "sleep">;
}

/** An answer as the root side gave it: a line of JSON that says what kind it is. */
export interface AnswerLine {
  readonly text: string;
  readonly fields: Field;
  readonly isResult: boolean;
}

export interface RootConnection {
  /** `enclosed` follows the message's line; it is not to be changed before the answer. */
  send(message: Uint8Array, enclosed?: Uint8Array): Promise<void>;
  /** The next answer; null when the root side has ended. */
  next(): Promise<AnswerLine | null>;
  close(): void;
}

interface RawConnection extends BytePort {
  close(): void;
}

const largestAnswer = 1 << 20;
/** Bytes from which on copying costs more than a second write. */
const largestCopy = 64 << 10;
const nothing = new Uint8Array(0);
/** Milliseconds. An activation tells what it does; the longest silence is a health check or the wait for a confirmation. */
const waits = { idle: 3600_000, waiting: 24 * 3600_000 };

/**
 * Connects to `/run/nixseal-gate.sock`. Where that does not exist: as root, and with a root of its own (images, tests), starts `program`, otherwise `sudo`,
 * whose one line for the deploy user is `nixseal-agent activate`.
 */
export async function connectRootSide(
  ports: RootSidePorts,
  { root, program }: { readonly root: string; readonly program: readonly string[] },
): Promise<RootConnection> {
  const raw = await open(ports, root, program);
  const patience = new Patience(ports.clock, waits);
  const lines = answerLines({ read: () => patience.wait(raw.read()) });
  return {
    send: async (message, enclosed) => {
      // What is small is one write, which wakes the other side once.
      const parts =
        enclosed === undefined || enclosed.length > largestCopy
          ? [message, enclosed ?? nothing]
          : [concat(message, enclosed)];
      for (const part of parts) if (part.length > 0) await patience.wait(raw.write(part));
    },
    next: async () => {
      const line = await lines.next();
      return line.done === true ? null : line.value;
    },
    close: () => raw.close(),
  };
}

async function open(
  { sockets, processes, files }: RootSidePorts,
  root: string,
  program: readonly string[],
): Promise<RawConnection> {
  const socket = join(root, gateSocket);
  if ((await files.statusOfLink(socket)) !== null) return sockets.connect(socket);
  const isRoot = (await files.status("/proc/self"))?.uid === 0; // proc(5): the effective uid
  // In a root of its own a host belongs to whoever made it: nobody has to become another user there.
  const [first, ...rest] = isRoot || root !== "" ? program : ["sudo", "-n", "nixseal-agent"];
  const args = [...rest, "activate", ...(root === "" ? [] : ["--root", root])];
  const child = processes.converse({ program: first!, args, timeout: waits.idle });
  return {
    read: () => child.read(),
    write: (bytes) => child.write(bytes),
    // Its stdin ends: what it has begun it finishes, as over a socket whose other side went away.
    close: () => void child.end().catch(() => undefined),
  };
}

async function* answerLines(port: Pick<BytePort, "read">): AsyncGenerator<AnswerLine, void, undefined> {
  let held = Buffer.alloc(0);
  for (;;) {
    const end = held.indexOf(0x0a);
    if (end !== -1) {
      yield parseAnswer(held.subarray(0, end));
      held = held.subarray(end + 1);
      continue;
    }
    if (held.length > largestAnswer)
      throw new NixsealError("limit", "an answer of the root side is too long");
    const piece = await port.read();
    if (piece === null) {
      if (held.length > 0)
        throw new NixsealError("malformed", "the root side ended in the middle of an answer");
      return;
    }
    held = Buffer.concat([held, piece]);
  }
}

function parseAnswer(line: Uint8Array): AnswerLine {
  const text = utf8Text(line, "an answer of the root side");
  const fields = Field.parse(text, "answer");
  return { text, fields, isResult: fields.get("kind").value === "result" };
}

/** Why the root side said no. */
export function refusalOf({ fields }: AnswerLine): NixsealError {
  const hint = fields.get("hint");
  return new NixsealError("refused", fields.get("reason").string(), {
    hint: hint.isNull ? undefined : hint.string(),
  });
}

/** What the root side does when it does nothing: the receiver's own words for an answer that never came. */
export function noAnswer(): NixsealError {
  return new NixsealError("io", "the root side of the gate gave no answer", {
    hint: "try again: it serves some messages at a time and ends what is more; on the host: journalctl -u 'nixseal-gate@*'",
  });
}
