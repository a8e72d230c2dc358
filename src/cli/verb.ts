import { utf8 } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { exitCodes } from "../core/exit.ts";
import { SecretValue } from "../core/secret-value.ts";
import { lostOutput } from "../ops/lost-output.ts";
import type { AnyOp, Context } from "../ops/op.ts";
import { registry } from "../ops/registry.ts";
import { kebabCase, parseArguments } from "./arguments.ts";
import { printed } from "./errors.ts";
import { verbHelp } from "./help.ts";
import { paint, visible, visibleJson, visiblePainted } from "./paint.ts";
import { eventLines, liveProgress } from "./progress.ts";
import type { Program } from "./run.ts";

const longestPassphrase = 64 << 10;

/** Runs one verb: arguments → input → result → text or JSON → exit code. */
export async function runVerb(name: string, words: readonly string[], program: Program): Promise<number> {
  const entry = registry[name]!;
  const operation = await entry.load();
  const flags = operation.flags();
  if (
    asksForHelp(
      words,
      flags.some((flag) => flag.short === "h"),
    )
  ) {
    await program.streams.stdout(utf8(verbHelp(name, entry.summary, operation, flags)));
    return exitCodes.done;
  }
  const { globals, input: given } = parseArguments(words, flags, operation.positional ?? [], operation.rest);
  const input = validInput(operation, given);

  const colours = [program.environment.get("NO_COLOR"), program.environment.get("TERM")] as const;
  const events =
    globals["events"] === true
      ? eventLines(program.stderr)
      : liveProgress(program.stderr, paint(program.stderr.terminal, ...colours), program.clock);
  const context: Context = {
    ...program,
    emit: events.emit,
    fleet: globals["fleet"] as string | undefined,
    json: globals["json"] === true,
    passphrase: passphraseSource(program, globals["passphraseFd"] as number | undefined, () =>
      events.clear(),
    ),
    askpass: globals["passphraseFd"] === undefined ? null : program.askpass,
  };
  try {
    const output = await operation.run(context, input);
    events.clear();
    await printed(printResult(operation, output, input, globals["json"] === true, program, events.emit));
    const complaints = globals["json"] === true ? [] : (operation.complaints?.(output) ?? []);
    for (const line of complaints) program.stderr.write(`${visible(line).replaceAll("\n", "\\x0a")}\n`);
    return operation.exit?.(output) ?? exitCodes.done;
  } finally {
    events.clear();
  }
}

function asksForHelp(words: readonly string[], letterTaken: boolean): boolean {
  const flags = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
  return flags.includes("--help") || (!letterTaken && flags.includes("-h"));
}

function validInput(operation: AnyOp, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const checked = operation.check(given);
  if ("input" in checked) return checked.input;
  const flag = checked.field === undefined ? "" : `--${kebabCase(checked.field)}: `;
  throw new NixsealError("usage", `${flag}${checked.wrong}`, { hint: "see --help" });
}

async function printResult(
  operation: AnyOp,
  output: never,
  input: Record<string, unknown>,
  json: boolean,
  program: Program,
  emit: Emit,
): Promise<void> {
  const terminal = program.streams.stdoutIsTerminal;
  const colours = paint(terminal, program.environment.get("NO_COLOR"), program.environment.get("TERM"));
  const text = json
    ? operation.lines?.(output) === true
      ? (output as readonly unknown[]).map((item) => `${visibleJson(item)}\n`).join("")
      : visibleJson(output ?? null, terminal ? 2 : 0)
    : harmless(operation.text(output, colours, input), terminal);
  if (text.length > 0 && program.streams.stdoutIsLost) emit(lostOutput);
  if (typeof text !== "string") await program.streams.stdout(text);
  else if (text !== "") await program.streams.stdout(utf8(text.endsWith("\n") ? text : `${text}\n`));
}

/** Names of files and of others' things are part of many texts. Bytes (`secrets get`) are the data itself. */
function harmless(text: string | Uint8Array, terminal: boolean): string | Uint8Array {
  if (typeof text !== "string") return text;
  return terminal ? visiblePainted(text) : visible(text);
}

/** `--passphrase-fd N`: up to the first newline or the end, read once and given to every question. */
function passphraseSource(
  program: Program,
  descriptor: number | undefined,
  clear: () => void,
): Context["passphrase"] {
  if (descriptor === undefined)
    return (question) => {
      clear();
      return program.person.askSecret(question);
    };
  let read: Promise<SecretValue> | undefined;
  return () => {
    read ??= program.streams.readDescriptor(descriptor, longestPassphrase).then((bytes) => {
      const end = bytes.indexOf(0x0a);
      return new SecretValue(end === -1 ? bytes : bytes.subarray(0, end));
    });
    return read;
  };
}
