import { NixsealError } from "../core/errors.ts";
import { exitCodeOf, exitCodes, type ExitCode } from "../core/exit.ts";
import { didYouMean } from "../core/suggest.ts";
import { parseWords } from "./arguments.ts";
import { helpOf, overview } from "./help.ts";
import { registry } from "./registry.ts";
import { errorJson, errorText } from "./text.ts";
import type { AgentContext } from "./verb.ts";

/** Runs one command line and gives the exit code. An error is told once, on stderr and with --json on stdout too. */
export async function run(words: readonly string[], context: AgentContext): Promise<ExitCode> {
  try {
    return await dispatch(words, context);
  } catch (error) {
    context.say(errorText(error));
    if (words.includes("--json"))
      await context.out(errorJson(error)).catch((again: unknown) => {
        if (again !== error) context.say(errorText(again));
      });
    return exitCodeOf(error);
  }
}

async function dispatch(words: readonly string[], context: AgentContext): Promise<ExitCode> {
  const [noun, second] = words;
  if (noun === "--version") {
    await context.out(`nixseal-agent ${context.version}\n`);
    return exitCodes.done;
  }
  const names = Object.keys(registry);
  if (noun === undefined || noun === "--help" || noun === "-h" || noun === "help") {
    await context.out(overview(names));
    return noun === undefined ? exitCodes.usage : exitCodes.done;
  }
  if (names.includes(noun)) return runVerb(noun, words.slice(1), context);
  const siblings = names.filter((name) => name.startsWith(`${noun} `));
  if (siblings.length === 0) throw unknown(noun, [...new Set(names.map((name) => name.split(" ")[0]!))]);
  if (second === undefined || second === "--help" || second === "-h") {
    await context.out(overview(siblings));
    return second === undefined ? exitCodes.usage : exitCodes.done;
  }
  const name = `${noun} ${second}`;
  if (siblings.includes(name)) return runVerb(name, words.slice(2), context);
  throw unknown(
    second,
    siblings.map((sibling) => sibling.split(" ")[1]!),
  );
}

async function runVerb(name: string, words: readonly string[], context: AgentContext): Promise<ExitCode> {
  const verb = await registry[name]!.load();
  const { values, argument } = parseWords(verb, words);
  if (values["help"] === true) {
    await context.out(helpOf(name, verb));
    return exitCodes.done;
  }
  return verb.run(context, values, argument);
}

function unknown(word: string, candidates: readonly string[]): NixsealError {
  return new NixsealError("usage", `unknown command '${word}'`, {
    hint: didYouMean(word, candidates) ?? "see nixseal-agent --help",
  });
}
