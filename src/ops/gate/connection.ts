/** One message to a host's gate over SSH, with the system's `ssh`: agents, tokens and jump hosts work as the person set them up. */
import { NixsealError, type ErrorCode } from "../../core/errors.ts";
import type { Command } from "../../core/ports.ts";
import { connectionError, openSsh } from "../../deploy/ssh.ts";
import type { GateEvent, GateResult } from "../../gate/answer.ts";
import { formatMessage, type GateMessage } from "../../gate/message.ts";
import type { Host } from "../../inventory/model.ts";
import { printable } from "../../audit/printable.ts";
import type { Context } from "../op.ts";

export interface Destination {
  readonly host: Host;
  /** A private key for the login; undefined: whatever ssh would take. */
  readonly identity: string | undefined;
}

export type Answer = Extract<GateResult, { ok: true }>;
type Refused = Extract<GateResult, { ok: false }>;
type Connecting = Pick<Context, "processes" | "files" | "emit">;

/** Milliseconds of silence: an activation says something with each of its steps, and a confirmation may be waited for. */
const patience = 24 * 3600_000;
const longestLine = 4 << 20;

/**
 * Sends the message over a connection of its own and gives the answer. Every event goes to `hear`, and to the person. Throws what the
 * gate refused, with its code in brackets; what ssh failed with is `connectionError`'s.
 */
export async function tellGate(
  context: Connecting,
  { host: given, identity }: Destination,
  message: GateMessage,
  hear: (event: GateEvent) => void = () => undefined,
): Promise<Answer> {
  const host = { ...given, user: given.user ?? "deploy" };
  const ssh = await openSsh(context, [host]);
  try {
    const { program, args } = ssh.command(host, [`nixseal-gate ${message.kind}`]);
    const command = { program, args: [...ownConnection, ...loginWith(identity), ...args], timeout: patience };
    const { result, code, stderr } = await converse(context, host, command, message, hear);
    if (result === null && code === 255) throw connectionError(host, stderr);
    if (result === null) throw noAnswer(host, stderr);
    if (result.ok) return result;
    throw refusalOf(host, result);
  } finally {
    await ssh.close();
  }
}

/** A confirmation has to come over a connection that the new system let in. The first of two options counts. */
const ownConnection = ["-o", "ControlMaster=no", "-o", "ControlPath=none"];

function loginWith(identity: string | undefined): string[] {
  return identity === undefined ? [] : ["-i", identity, "-o", "IdentitiesOnly=yes"];
}

async function converse(
  context: Connecting,
  { name }: Host,
  command: Command,
  message: GateMessage,
  hear: (event: GateEvent) => void,
): Promise<{ readonly result: GateResult | null; readonly code: number; readonly stderr: string }> {
  const child = context.processes.converse(command);
  let result: GateResult | null = null;
  try {
    await sent(child.write(formatMessage(message)));
    for await (const line of linesOf(child)) {
      const answer = parseAnswer(line, name);
      if (answer.kind === "result") result = answer;
      else {
        context.emit({ type: "step", message: printable(`${name}: ${answer.step}: ${answer.message}`) });
        hear(answer);
      }
    }
  } catch (error) {
    child.kill();
    throw error;
  }
  const { code, stderr } = await child.end();
  return { result, code, stderr };
}

/** An ssh that ends before it has read all says by its exit code why. */
async function sent(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (!(error instanceof NixsealError) || error.code !== "tool") throw error;
  }
}

function noAnswer({ name }: Host, stderr: string): NixsealError {
  const said = stderr.trim().split("\n").at(-1)!;
  return new NixsealError("tool", printable(`no answer from ${name}${said === "" ? "" : `: ${said}`}`), {
    hint: `is there a gate? 'nixseal host setup ${name}' and 'nixseal.gate' of the NixOS module make one`,
  });
}

function refusalOf({ name }: Host, { code, reason, hint }: Refused): NixsealError {
  return new NixsealError(errorCodes[code] ?? "refused", printable(`${name}: ${reason} [${code}]`), {
    hint: hint === null ? undefined : printable(hint),
  });
}

/** What is no decision: something was done and undone, or somebody else is at work. */
const errorCodes: Readonly<Record<string, ErrorCode>> = {
  reverted: "partial",
  interrupted: "partial",
  broken: "partial",
  busy: "conflict",
  "too-many": "conflict",
};

async function* linesOf(child: { read(): Promise<Uint8Array | null> }): AsyncIterable<string> {
  let rest = "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let bytes = await child.read(); bytes !== null; bytes = await child.read()) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    if (rest.length > longestLine) throw new NixsealError("limit", "a line of the gate's answer is too long");
    yield* lines;
  }
}

/** The host proved its key, but is not believed more than it has to be. */
function parseAnswer(line: string, host: string): GateEvent | GateResult {
  const value = readJson(line);
  const fields = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const { kind, step, message, ok, code, reason } = fields;
  const isEvent = kind === "event" && typeof step === "string" && typeof message === "string";
  const isRefusal = ok === false && typeof code === "string" && typeof reason === "string";
  if (isEvent || (kind === "result" && (ok === true || isRefusal))) return value as GateEvent | GateResult;
  throw new NixsealError(
    "malformed",
    printable(`${host} answers in another language: ${line.slice(0, 200)}`),
  );
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
