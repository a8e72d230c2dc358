/** A conversation with a host's gate: one message there, events back, one result. */
import { utf8Text } from "../core/bytes.ts";
import { NixsealError, type ErrorCode } from "../core/errors.ts";
import type { Conversation } from "../core/ports.ts";
import type { GateEvent, GateResult } from "../gate/answer.ts";
import { formatMessage, type GateMessage } from "../gate/message.ts";
import { Field } from "../nix/json-fields.ts";
import { anyStore, parseStorePath } from "../nix/store-path.ts";

/** The command that the gate's forced command passes on to its root side. */
export const gateCommand = "nixseal-gate";

/** Bytes: of one line, of all that is said about one message, and of a receipt. Levels of JSON in a line. */
const limits = { line: 1 << 20, whole: 64 << 20, receipt: 32 << 10, depth: 16 };

export interface GateConnection {
  /** For messages. */
  readonly host: string;
  /** Starts `nixseal-gate KIND` on the host. */
  start(kind: GateMessage["kind"]): Conversation;
  /** What a conversation that ended without a result means, by its exit code and stderr. */
  failure(code: number, stderr: string): NixsealError;
}

export type GateSuccess = Extract<GateResult, { ok: true }>;
export type GateNo = Extract<GateResult, { ok: false }>;

/**
 * The gate's answer, a yes or a no. A connection that ends before it is what `failure` makes of it: what happened on the
 * host is unknown then.
 */
export async function askGate(
  connection: GateConnection,
  message: GateMessage,
  onEvent: (event: GateEvent) => void = () => undefined,
): Promise<GateSuccess | GateNo> {
  const conversation = connection.start(message.kind);
  let ended = false;
  try {
    await conversation.write(formatMessage(message)).catch(() => undefined); // why it went away is said below
    for await (const line of linesOf(conversation)) {
      const answer = parseAnswer(line, connection.host, message.kind);
      if (answer.kind !== "event") return answer;
      onEvent(answer);
    }
    ended = true;
    const { code, stderr } = await conversation.end();
    throw connection.failure(code, stderr);
  } finally {
    if (!ended) conversation.kill();
  }
}

/** What is no decision: something was done and undone, or somebody else is at work. */
const errorCodes: Readonly<Record<string, ErrorCode>> = {
  reverted: "partial",
  interrupted: "partial",
  broken: "partial",
  busy: "conflict",
  "too-many": "conflict",
};

/** For those who can do nothing with a no: mostly `refused`, with its reason, the code of the decision, and the way out. */
export function accepted(answer: GateSuccess | GateNo, host: string): GateSuccess {
  if (answer.ok) return answer;
  throw new NixsealError(errorCodes[answer.code] ?? "refused", `${answer.reason} [${answer.code}]`, {
    hint: answer.hint ?? undefined,
    where: { host },
  });
}

async function* linesOf(conversation: Conversation): AsyncGenerator<string, void, undefined> {
  let rest = Buffer.alloc(0);
  let whole = 0;
  for (;;) {
    const piece = await conversation.read();
    if (piece === null) break;
    whole += piece.length;
    rest = Buffer.concat([rest, piece]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield utf8Text(rest.subarray(0, end), "the gate's answer");
      rest = rest.subarray(end + 1);
    }
    if (rest.length > limits.line || whole > limits.whole)
      throw new NixsealError("limit", "the host says more than a gate has to say");
  }
  if (rest.length > 0) throw new NixsealError("malformed", "the gate's answer ends within a line");
}

/** A host that greets, or is no gate at all, is told apart from one that says no. */
function parseAnswer(
  line: string,
  host: string,
  kind: GateMessage["kind"],
): GateEvent | GateSuccess | GateNo {
  try {
    return readAnswer(line, host, kind);
  } catch (cause) {
    if (!(cause instanceof NixsealError)) throw cause;
    throw new NixsealError("malformed", `it answers in another language: ${plain(line).slice(0, 200)}`, {
      where: { host },
      cause,
    });
  }
}

function readAnswer(
  line: string,
  host: string,
  asked: GateMessage["kind"],
): GateEvent | GateSuccess | GateNo {
  const top = Field.parse(line, `answer of ${host}`);
  requirePlain(top);
  const kind = top.get("kind");
  if (kind.value === "event") {
    const step = top.get("step").string();
    const message = plain(top.get("message").string());
    const data = top.get("data");
    return data.isNull
      ? { kind: "event", step, message }
      : { kind: "event", step, message, data: data.value as NonNullable<GateEvent["data"]> };
  }
  if (kind.value !== "result") throw kind.wrong("event or result");
  const receipt = top.get("receipt");
  if (!receipt.isNull && receipt.string().length > limits.receipt) throw receipt.wrong("a receipt's length");
  if (top.get("ok").boolean()) return success(top, asked);
  const hint = top.get("hint");
  return {
    kind: "result",
    ok: false,
    code: plain(top.get("code").string()),
    reason: plain(top.get("reason").string()),
    hint: hint.isNull ? null : plain(hint.string()),
    receipt: receipt.isNull ? null : receipt.string(),
  };
}

/** Whoever reads these fields finds what they expect: one host's answer must not end the work for all. */
function success(top: Field, asked: GateMessage["kind"]): GateSuccess {
  const outcome = top.get("outcome");
  if (!outcome.isNull) outcome.string();
  if (asked === "status") {
    const [running, active, activation] = [top.get("running"), top.get("active"), top.get("activation")];
    if (running.value !== null) running.parsed((text) => parseStorePath(text, anyStore));
    if (active.value !== null && !/^[0-9a-f]{64}$/.test(active.string()))
      throw active.wrong("a digest, or null");
    // A reboot is known by these; an older gate says nothing of them.
    const [boot, uptime, reboot] = [top.get("boot"), top.get("uptime"), top.get("reboot")];
    if (!boot.isNull && boot.string().length > 256) throw boot.wrong("the id of a boot");
    if (!uptime.isNull) uptime.count();
    if (!reboot.isNull) reboot.boolean();
    if (activation.value !== null && !activation.isObject)
      throw activation.wrong("what is under way, or null");
  }
  return top.value as GateSuccess;
}

/** What is deep overflows the stack of whoever writes it again; text with half a character fits into no log. */
function requirePlain(top: Field): void {
  let level: unknown[] = [top.value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limits.depth) throw top.wrong(`at most ${limits.depth} levels`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value === "string" && !value.isWellFormed()) throw top.wrong("well-formed text");
      if (typeof value !== "object" || value === null) continue;
      for (const inner of Array.isArray(value) ? value : Object.entries(value).flat()) next.push(inner);
    }
    level = next;
  }
}

/** The host may be anybody's by now: nothing of it reaches the terminal that is not text. */
function plain(text: string): string {
  // Cutting may leave half a character.
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, 2000)
    .toWellFormed();
}
