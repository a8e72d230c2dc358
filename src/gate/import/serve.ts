/** The root side of a connection that imports: one message after another, each answered before the next is read. */
import { GateRefusal, type GateResult } from "../answer.ts";
import type { GateConfig } from "../config.ts";
import { parseMessage } from "../message.ts";
import type { GatePaths } from "../paths.ts";
import type { MessageLines } from "../read-message.ts";
import type { StoreMessage } from "../store-message.ts";

import { ImportSession, type ImportPorts } from "./session.ts";

/**
 * Serves `first` and what follows it until the sender ends. A path that is refused does not end the connection; a message that is none of
 * these does. What was imported stands in the ledger when this returns or throws. `warn` is told what there is to say about the ledger.
 */
export async function serveImports(
  ports: ImportPorts,
  { config, paths }: { readonly config: GateConfig; readonly paths: GatePaths },
  first: StoreMessage,
  lines: MessageLines,
  answer: (result: GateResult, told: string) => Promise<void>,
  warn: (notice: string) => Promise<void>,
): Promise<void> {
  const session = new ImportSession(ports, config, paths);
  try {
    let message: StoreMessage = first;
    for (;;) {
      const size = message.kind === "import" ? message.bytes : null;
      const result = await session.handle(message, size === null ? null : lines.enclosed(size));
      await answer(result, toldOf(message, result));
      const line = await lines.next();
      if (line === null) return;
      message = importMessage(line, config);
    }
  } finally {
    for (const notice of await session.end()) await warn(notice);
  }
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
