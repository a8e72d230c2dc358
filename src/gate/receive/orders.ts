/** Messages on their way to the root side, and what it answers on its way back. */
import { NixsealError } from "../../core/errors.ts";
import { exitCodes, type ExitCode } from "../../core/exit.ts";
import type { Clock } from "../../core/ports.ts";
import type { SwitchAction } from "../../nix/protocol/remote-command.ts";
import type { WarrantEnvelope } from "../../trust/warrant/envelope.ts";
import { formatMessage, parseMessage, type GateMessage } from "../message.ts";
import { readMessageLine } from "../read-message.ts";
import { orderKinds, type OrderKind } from "./command.ts";
import { noAnswer, refusalOf, type AnswerLine, type RootConnection } from "./root-side.ts";

export interface OrderParts {
  readonly connect: () => Promise<RootConnection>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly out: (text: string) => Promise<void>;
  readonly say: (text: string) => void;
  readonly clock: Pick<Clock, "sleep">;
  readonly storeDirectory: string;
}

/** Passes the operator's message on, and every answer back as it is. The result's code decides the exit code. */
export async function passOrder(
  parts: OrderParts,
  kind: OrderKind | null,
): Promise<{ readonly code: ExitCode; readonly kind: GateMessage["kind"] }> {
  const message = await readOrder(parts, kind);
  const result = await exchange(parts, message, ({ text }) => parts.out(`${text}\n`));
  const code = result.fields.get("ok").value === true ? exitCodes.done : exitCodes.refused;
  return { code, kind: message.kind };
}

/** What `switch-to-configuration` would be for a stock client: its steps go to stderr, as those of the program do. */
export async function orderActivation(
  parts: OrderParts,
  { digest }: Pick<WarrantEnvelope, "digest">,
  action: SwitchAction,
): Promise<void> {
  const message: GateMessage = {
    kind: "activate",
    warrant: digest,
    action,
    rehash: false,
    fence: null,
    log: null,
  };
  const result = await exchange(parts, message, async ({ fields, isResult }) => {
    if (!isResult) parts.say(`${fields.get("step").string()}: ${fields.get("message").string()}\n`);
  });
  if (result.fields.get("ok").value !== true) throw refusalOf(result);
}

async function readOrder(parts: OrderParts, kind: OrderKind | null): Promise<GateMessage> {
  if (kind === "status") return { kind };
  const message = parseMessage(await readMessageLine(parts.stdin, parts.clock), parts.storeDirectory);
  const wanted: readonly string[] = kind === null ? orderKinds : [kind];
  if (wanted.includes(message.kind)) return message;
  throw new NixsealError("refused", `a message of kind '${message.kind}' was sent`, {
    hint: kind === null ? `an operator sends ${wanted.join(", ")}` : `the command says '${kind}'`,
  });
}

/** The result; every answer, the result too, has gone to `tell` before. */
export async function exchange(
  { connect }: Pick<OrderParts, "connect">,
  message: GateMessage,
  tell: (answer: AnswerLine) => Promise<void>,
): Promise<AnswerLine> {
  const connection = await connect();
  try {
    await connection.send(formatMessage(message));
    for (let answer = await connection.next(); answer !== null; answer = await connection.next()) {
      await tell(answer);
      if (answer.isResult) return answer;
    }
    throw noAnswer();
  } finally {
    connection.close();
  }
}
