import { utf8 } from "../core/bytes.ts";
import { NixsealError, readerLeft } from "../core/errors.ts";
import { exitCodeOf, exitCodes } from "../core/exit.ts";
import type { Ports } from "../core/ports.ts";
import { didYouMean } from "../core/suggest.ts";
import { nouns, registry } from "../ops/registry.ts";
import { errorJson, errorText, printed } from "./errors.ts";
import { nounHelp, overview } from "./help.ts";
import { paint } from "./paint.ts";

export interface Program extends Ports {
  readonly workingDirectory: string;
  readonly version: string;
  /** The file of `bin/nixseal-askpass`. */
  readonly askpass: string;
  /** The command line of the agent of this package. */
  readonly agent: readonly string[];
  readonly stderr: { write(text: string): void; readonly terminal: boolean };
}

/** The whole command line: words in, exit code out. Everything that it prints goes through `program`. */
export async function run(words: readonly string[], program: Program): Promise<number> {
  const colours = [program.environment.get("NO_COLOR"), program.environment.get("TERM")] as const;
  try {
    return await dispatch(words, program);
  } catch (error) {
    const flags = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
    const tell = (problem: unknown): void =>
      program.stderr.write(errorText(problem, paint(program.stderr.terminal, ...colours)));
    if (readerLeft(error)) return exitCodeOf(error);
    if (!flags.includes("--json")) tell(error);
    else
      await program.streams.stdout(utf8(`${errorJson(error)}\n`)).catch((again: unknown) => {
        tell(error);
        if (again !== error && !readerLeft(again)) tell(again);
      });
    return exitCodeOf(error);
  }
}

async function dispatch(words: readonly string[], program: Program): Promise<number> {
  const print = async (text: string): Promise<number> => {
    await printed(program.streams.stdout(utf8(text)));
    return exitCodes.done;
  };
  const [first, second] = words;
  if (
    first === undefined ||
    first === "--help" ||
    first === "-h" ||
    (first === "help" && second === undefined)
  )
    return print(overview());
  if (first === "--version") return print(`nixseal ${program.version}\n`);
  if (first === "__complete") {
    const { complete } = await import("./complete.ts");
    return print((await complete(words.slice(1))).map((word) => `${word}\n`).join(""));
  }
  if (first === "notices" && second === undefined) {
    // A terminal waits for it: the schemas that other verbs need take longer than all of this.
    const { exitOf, noticesNow, textOf } = await import("../watch/notices-now.ts");
    const found = await noticesNow(program);
    await print(textOf(found));
    return exitOf(found);
  }
  if (first === "help") return dispatch([...words.slice(1), "--help"], program);

  const name = Object.hasOwn(registry, first) ? first : `${first} ${second ?? ""}`;
  if (Object.hasOwn(registry, name)) {
    const { runVerb } = await import("./verb.ts");
    return runVerb(name, words.slice(name.split(" ").length), program);
  }
  if (!Object.hasOwn(nouns, first)) throw unknown(first, Object.keys(nouns));
  if (second === undefined || second === "--help" || second === "-h") return print(nounHelp(first));
  const verbs = Object.keys(registry).filter((known) => known.startsWith(`${first} `));
  throw unknown(`${first} ${second}`, verbs);
}

function unknown(typed: string, known: readonly string[]): NixsealError {
  return new NixsealError("usage", `unknown command '${typed}'`, {
    hint: didYouMean(typed, known) ?? "`nixseal --help` lists what there is",
  });
}
