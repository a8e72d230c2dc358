/** Where the root side's steps are written down: the journal. */
import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Conversation } from "../core/ports.ts";
import type { Level } from "../gate/activate/gate.ts";
import { visible } from "./text.ts";
import type { AgentContext } from "./verb.ts";

export interface GateLog {
  write(level: Level, text: string): Promise<void>;
  end(): Promise<void>;
}

/** sd-daemon(3) */
const priorities: Record<Level, number> = { error: 3, warning: 4, notice: 5, info: 6 };

/**
 * stderr, where a unit's goes to the journal. A unit of systemd-run --pipe has the caller's stderr, and so has sudo: there systemd-cat(1)
 * takes the lines to the journal, where nobody who sent a message can keep them from.
 */
export async function openGateLog(context: AgentContext, root: string): Promise<GateLog> {
  const isJournal = context.environment.get("JOURNAL_STREAM") !== undefined;
  const hasSystemd = root === "" && (await context.files.status("/run/systemd/system")) !== null;
  const aside = hasSystemd && !isJournal ? systemdCat(context) : null;
  return {
    write: async (level, text) => {
      const line = `${visible(text).replaceAll("\n", " ")}\n`;
      const marked = `<${priorities[level]}>${line}`;
      if (aside === null) return context.say(isJournal ? marked : `nixseal-gate: ${line}`);
      await quietly(aside.write(utf8(marked)));
    },
    end: async () => {
      if (aside !== null) await quietly(aside.end().then(() => undefined));
    },
  };
}

function systemdCat({ processes }: AgentContext): Conversation {
  return processes.converse({
    program: "systemd-cat",
    args: ["--identifier=nixseal-gate", "--level-prefix=true", "cat"],
  });
}

/** Without a journal the work goes on: the receipt and the caller are told too. */
async function quietly(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
  }
}
