/** Where the root side's steps are written down: the journal. */
import { utf8 } from "../core/bytes.ts";
import type { Conversation } from "../core/ports.ts";
import type { Level } from "../gate/activate/gate.ts";
import { inTime } from "./gate-listener.ts";
import { visible } from "./text.ts";
import type { AgentContext } from "./verb.ts";

export interface LogLine {
  readonly level: Level;
  readonly text: string;
}

export interface GateLog {
  write(level: Level, text: string): Promise<void>;
  /** Several lines in one write. */
  writeAll(lines: readonly LogLine[]): Promise<void>;
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
  // Without a journal, or with one that takes nothing, the work goes on: the receipt and the caller are told too.
  let isThere = true;
  const isMarked = isJournal || aside !== null;
  const lineOf = ({ level, text }: LogLine): string =>
    `${isMarked ? `<${priorities[level]}>` : "nixseal-gate: "}${visible(text).replaceAll("\n", " ")}\n`;
  const writeAll = async (lines: readonly LogLine[]): Promise<void> => {
    const text = lines.map(lineOf).join("");
    if (aside === null) return context.say(text);
    isThere = isThere && (await inTime(context.clock, aside.write(utf8(text))));
  };
  return {
    write: (level, text) => writeAll([{ level, text }]),
    writeAll,
    end: async () => {
      if (aside !== null)
        await inTime(
          context.clock,
          aside.end().then(() => undefined),
        );
    },
  };
}

function systemdCat({ processes }: AgentContext): Conversation {
  return processes.converse({
    program: "systemd-cat",
    args: ["--identifier=nixseal-gate", "--level-prefix=true", "cat"],
  });
}
