/** The side that wants a lease: starts its holder, here or on another machine, and says by a pipe that it is still there. */
import { utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Clock, Command, Conversation, Processes } from "../../core/ports.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import {
  checkSizes,
  formatLine,
  LeaseReader,
  parseAnswer,
  type LeaseAnswer,
  type LeaseRequest,
} from "./message.ts";

export interface Wanted {
  readonly secrets: readonly { readonly name: string; readonly value: SecretValue }[];
  /** Seconds. */
  readonly seconds: number;
  readonly mode: LeaseRequest["mode"];
}

export interface Lease {
  /** The directory, on the holder's machine. */
  readonly path: string;
  readonly swap: readonly string[];
  /** Resolves when the holder has ended, by itself or because of `end`. Never rejects. */
  readonly ended: Promise<void>;
  /** Gives it back: true when everything is overwritten and removed by now, false when it had ended before, or was killed. */
  end(): Promise<boolean>;
}

export interface Holder {
  readonly command: Pick<Command, "program" | "args">;
  /**
   * Whether a network lies between. Then a pipe that stays open says nothing: the other side hears from us now and then, and ends
   * the lease when it does not.
   */
  readonly remote: boolean;
  /** An error of ours for a holder that could not be started or reached. */
  readonly unreachable: (code: number, stderr: string) => NixsealError | null;
}

/** Milliseconds until a lease is there. Values of 256 MiB take a while on a slow line. */
const patience = 300_000;
/** Seconds: between two signs of life of ours, and without any. */
const beat = { every: 15, silence: 60 } as const;

/** Throws `limit`, the holder's own error, or `tool` when what answers is no holder. The values are wiped once they are sent. */
export async function takeLease(
  {
    processes,
    clock,
  }: { readonly processes: Pick<Processes, "converse">; readonly clock: Pick<Clock, "sleep"> },
  holder: Holder,
  { secrets, seconds, mode }: Wanted,
): Promise<Lease> {
  const sizes = secrets.map(({ name, value }) => ({ name, size: value.reveal().length }));
  checkSizes(sizes);
  const talk = processes.converse({
    ...holder.command,
    ownSession: true,
    timeout: seconds * 1000 + patience,
    lifetime: seconds * 1000 + patience,
  });
  const late = clock.sleep(patience, { background: true }).then(() => {
    throw new NixsealError("timeout", `there is no lease after ${patience / 1000} s`);
  });
  late.catch(() => undefined); // it may be there by then
  let answer: LeaseAnswer;
  try {
    const silence = holder.remote ? beat.silence : null;
    const request = formatLine({ v: 1, seconds, silence, mode, secrets: sizes });
    answer = await Promise.race([asked(talk, holder, request, secrets), late]);
  } catch (error) {
    talk.kill();
    throw error;
  } finally {
    for (const { value } of secrets) value.wipe();
  }
  let given = false;
  if (holder.remote) void beatUntil(() => given, talk, clock);
  return {
    path: answer.lease,
    swap: answer.swap,
    ended: untilItsEnd(talk),
    end: async () => {
      given = true;
      return (await talk.end()).code === 0;
    },
  };
}

async function asked(
  talk: Conversation,
  holder: Holder,
  request: Uint8Array,
  secrets: Wanted["secrets"],
): Promise<LeaseAnswer> {
  let line: Uint8Array;
  try {
    await talk.write(request);
    for (const { value } of secrets) await talk.write(value.reveal());
    line = await new LeaseReader(() => talk.read()).line();
  } catch (error) {
    if (!(error instanceof NixsealError) || !["tool", "malformed"].includes(error.code)) throw error;
    // It ended before it answered, which its exit code and stderr explain better; what it wrote to stdout it may have said there.
    const { code, stdout, stderr } = await talk.end();
    const end = stdout.indexOf(0x0a);
    if (end > 0) return parseAnswer(stdout.subarray(0, end));
    throw (
      holder.unreachable(code, stderr) ??
      new NixsealError("tool", `the lease's holder failed with exit code ${code}: ${lastLine(stderr)}`)
    );
  }
  return parseAnswer(line);
}

/** A pipe that nobody reads any more is met by whoever waits for the end. */
async function beatUntil(
  done: () => boolean,
  talk: Conversation,
  clock: Pick<Clock, "sleep">,
): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(beat.every * 1000, { background: true });
      if (done()) return;
      await talk.write(utf8("\n"));
    }
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
  }
}

async function untilItsEnd(talk: Conversation): Promise<void> {
  try {
    while ((await talk.read()) !== null);
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!.trim().slice(0, 300);
}
