/**
 * The root side of a connection that imports: one message after another. The next is begun when the archive of the one before has been
 * read, while Nix is still at work on it; the answers come in the messages' order.
 */
import { GateRefusal, type GateResult } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import { mostAhead } from "../message-limits.ts";
import { parseMessage } from "../message.ts";
import type { GatePaths } from "../paths.ts";
import type { MessageLines } from "../read-message.ts";
import type { StoreMessage } from "../store-message.ts";
import { Answers, type Answered } from "./answers.ts";
import { ImportSession, type ImportPorts } from "./session.ts";

/**
 * Serves `first` and what follows it until the sender ends. A path that is refused does not end the connection; a message that is none of
 * these does. What was imported stands in the ledger when this returns or throws. `warn` is told what else there is to say.
 */
export async function serveImports(
  ports: ImportPorts,
  { config, paths }: { readonly config: GateConfig; readonly paths: GatePaths },
  first: StoreMessage,
  lines: MessageLines,
  answer: (answers: readonly Answered[]) => Promise<void>,
  warn: (notice: string) => Promise<void>,
): Promise<void> {
  const session = new ImportSession(ports, config, paths);
  const answers = new Answers(answer, ports.clock);
  /** Messages that are not answered, the oldest first. */
  const underWay: Promise<void>[] = [];
  try {
    let next: StoreMessage | null = first;
    while (next !== null) {
      const message: StoreMessage = next;
      const { result, read } = begin(session, message, lines);
      const work = answers.give(result.then((done) => ({ result: done, told: toldOf(message, done) })));
      underWay.push(work);
      await Promise.race([read, work]);
      if (underWay.length >= mostAhead) await underWay.shift();
      const line = await Promise.race([lines.next(Promise.allSettled(underWay)), failureOf(underWay)]);
      next = line === null ? null : importMessage(line, config);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
    for (const notice of await session.end()) await warn(notice);
  }
}

/** `read` is done when nobody reads more of the archive that came with the message. */
function begin(session: ImportSession, message: StoreMessage, lines: MessageLines) {
  const size = message.kind === "import" ? message.bytes : null;
  if (size === null) return { result: session.handle(message), read: Promise.resolve() };
  let ended: () => void;
  const read = new Promise<void>((resolve) => (ended = resolve));
  const enclosed = lines.enclosed(size, () => ended());
  return { result: session.handle(message, enclosed), read };
}

/** Never resolves: only errors of ours come out there, which end the connection at once. */
function failureOf(works: readonly Promise<void>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const work of works) work.catch(reject);
  });
}

function importMessage(line: Uint8Array, { storeDirectory }: GateConfig): StoreMessage {
  const message = parseMessage(line, storeDirectory);
  if (message.kind === "import" || message.kind === "upload" || message.kind === "witness") return message;
  throw new GateRefusal("peer", `a message of kind '${message.kind}' needs a connection of its own`);
}

/** For the journal. */
function toldOf(message: StoreMessage, result: GateResult): string {
  const path = message.kind === "upload" ? /^StorePath: (.*)$/m.exec(message.info)?.[1] : message.path;
  const what = `${message.kind}: ${path ?? ""}`;
  return result.ok ? `${what} ${JSON.stringify(result["outcome"])}` : `${what} refused: ${result.reason}`;
}
