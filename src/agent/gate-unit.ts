/** Handing a message on to a unit of its own. */
import { NixsealError } from "../core/errors.ts";
import { hex } from "../core/bytes.ts";
import type { AgentContext } from "./verb.ts";

/** Milliseconds of silence: a confirmation may be waited for for a day. */
const patience = 25 * 3600_000;

export interface UnitWork {
  /** What the program reads there. */
  readonly input: Uint8Array;
  /** Seconds that ExecStopPost= may take for what is left when the program was killed; null where another process waits for it. */
  readonly recovers: number | null;
}

/**
 * Runs `activate` once more under a transient unit (systemd-run(1)), and passes on what it answers. The process that was started for the
 * connection is the wrong one to switch a system: with sudo it ends when the connection does; as a socket's service it is confined, and
 * the new configuration may stop or change it while it is at work. A transient unit belongs to no configuration, has nothing of the
 * sender's environment, and outlives the connection. When it is killed, ExecStopPost= takes up what it left, after systemd has
 * ended everything that it had started.
 */
export async function runInOwnUnit(
  context: AgentContext,
  args: readonly string[],
  { input, recovers }: UnitWork,
): Promise<number> {
  const child = context.processes.converse({
    program: "systemd-run",
    args: unitWords(context, args, recovers),
    timeout: patience,
  });
  try {
    await child.write(input);
    for (;;) {
      const piece = await child.read();
      if (piece === null) break;
      await context.out(Buffer.from(piece).toString("utf8"));
    }
    const { code, stderr } = await child.end();
    if (code === 1)
      throw new NixsealError("tool", `systemd-run failed: ${stderr.trim().split("\n").at(-1)!}`);
    return code;
  } catch (error) {
    child.kill();
    throw error;
  }
}

function unitWords(
  { program, environment, random }: AgentContext,
  args: readonly string[],
  recovers: number | null,
): string[] {
  const recover = [...program, "activate", "--recover", "--here"];
  const variables = ["PATH", "LOCALE_ARCHIVE"].flatMap((name) => {
    const value = environment.get(name);
    return value === undefined ? [] : [`--setenv=${name}=${value}`];
  });
  return [
    "--quiet",
    "--collect",
    "--pipe",
    "--wait",
    "--no-ask-password",
    "--service-type=exec",
    `--unit=nixseal-activation-${hex(random.bytes(8))}`,
    "--description=An activation by the gate",
    ...variables,
    ...(recovers === null
      ? []
      : [
          `--property=ExecStopPost=${recover.map(unitWord).join(" ")}`,
          `--property=TimeoutStopSec=${recovers}`,
        ]),
    "--",
    ...program,
    "activate",
    "--here",
    ...args,
  ];
}

/** systemd.service(5), "Command lines": `%` and `$` would be expanded. */
function unitWord(word: string): string {
  return `"${word.replaceAll(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}
