/** One message to a host's gate over SSH, with the system's `ssh`: agents, tokens and jump hosts work as the person set them up. */
import { utf8 } from "../../core/bytes.ts";
import { NixsealError, type ErrorCode } from "../../core/errors.ts";
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
type Connecting = Pick<Context, "processes" | "files" | "streams" | "emit">;

/** Milliseconds of silence: an activation says something with each of its steps, and a confirmation may be waited for. */
const patience = 24 * 3600_000;
const longestLine = 4 << 20;

/**
 * Sends the message over a connection of its own and gives the answer. Every event goes to `hear`, or to the person. Throws what the
 * gate refused, with its code in brackets; `tool` when ssh fails.
 */
export async function tellGate(
  context: Connecting,
  destination: Destination,
  message: GateMessage,
  hear: (event: GateEvent) => void = () => undefined,
): Promise<Answer> {
  const { name, hostKeys } = destination.host;
  if (hostKeys.length === 0)
    throw new NixsealError("refused", `the fleet has no host key of ${name}`, {
      hint: "give [hosts] its host_keys: nobody else can tell that it is the one",
    });
  const directory = await context.files.privateDirectory();
  try {
    const known = `${directory}/known_hosts`;
    const lines = hostKeys.map(({ line }) => `${name} ${line}\n`).join("");
    await context.files.create(known, utf8(lines), { mode: 0o600 });
    return await converse(context, destination, known, message, hear);
  } finally {
    await context.files.removeTree(directory);
  }
}

async function converse(
  context: Connecting,
  destination: Destination,
  known: string,
  message: GateMessage,
  hear: (event: GateEvent) => void,
): Promise<Answer> {
  const { host } = destination;
  const args = [...sshOptions(context, destination, known), host.address, `nixseal-gate ${message.kind}`];
  const child = context.processes.converse({ program: "ssh", args, timeout: patience });
  let result: GateResult | null = null;
  try {
    await child.write(formatMessage(message));
    for await (const line of linesOf(child)) {
      const answer = parseAnswer(line, host.name);
      if (answer.kind === "result") result = answer;
      else {
        context.emit({ type: "step", message: printable(`${host.name}: ${answer.step}: ${answer.message}`) });
        hear(answer);
      }
    }
  } catch (error) {
    child.kill();
    throw error;
  }
  const { stderr } = await child.end();
  if (result === null) {
    const said = stderr.trim().split("\n").at(-1)!;
    throw new NixsealError(
      "tool",
      printable(`no answer from ${host.name}${said === "" ? "" : `: ${said}`}`),
      {
        hint: `ssh ${host.user ?? "deploy"}@${host.address} must reach the gate: see 'nixseal host setup ${host.name}'`,
      },
    );
  }
  if (result.ok) return result;
  const { code, reason, hint } = result;
  throw new NixsealError(errorCodes[code] ?? "refused", printable(`${host.name}: ${reason} [${code}]`), {
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

function sshOptions({ streams }: Connecting, { host, identity }: Destination, known: string): string[] {
  const options = [
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${known}`,
    "GlobalKnownHostsFile=/dev/null",
    `HostKeyAlias=${host.name}`,
    "UpdateHostKeys=no",
    // A confirmation has to come over a connection that the new system let in.
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ConnectTimeout=15",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    `BatchMode=${streams.stdinIsTerminal ? "no" : "yes"}`,
    ...(identity === undefined ? [] : ["IdentitiesOnly=yes"]),
  ];
  const login = ["-T", "-p", String(host.port), "-l", host.user ?? "deploy"];
  const key = identity === undefined ? [] : ["-i", identity];
  return [...login, ...key, ...options.flatMap((one) => ["-o", one]), "--"];
}

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
