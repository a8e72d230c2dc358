import { NixsealError } from "../core/errors.ts";
import { exitCodeOf, exitCodes, type ExitCode } from "../core/exit.ts";
import { didYouMean } from "../core/suggest.ts";
import { activate } from "./activate.ts";
import { parseWords } from "./arguments.ts";
import { bundleApply } from "./bundle-apply.ts";
import { helpOf, overview } from "./help.ts";
import { doctor } from "./doctor.ts";
import { ledgerShow } from "./ledger-show.ts";
import { pull } from "./pull.ts";
import { receive } from "./receive.ts";
import { noticesVerb } from "./notices.ts";
import { notifyVerb } from "./notify.ts";
import { secretsCheck } from "./secrets-check.ts";
import { secretsInstall } from "./secrets-install.ts";
import { secretsLease } from "./secrets-lease.ts";
import { secretsVerify } from "./secrets-verify.ts";
import { status } from "./status.ts";
import { taint } from "./taint.ts";
import { errorJson, errorText } from "./text.ts";
import type { AgentContext, AgentVerb } from "./verb.ts";
import { watchVerb } from "./watch.ts";

const verbs: readonly AgentVerb[] = [
  activate,
  receive,
  pull,
  bundleApply,
  secretsInstall,
  secretsCheck,
  secretsVerify,
  secretsLease,
  status,
  ledgerShow,
  taint,
  doctor,
  watchVerb,
  noticesVerb,
  notifyVerb,
];

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
  const [noun, name] = words;
  if (noun === "--version") {
    await context.out(`nixseal-agent ${context.version}\n`);
    return exitCodes.done;
  }
  if (noun === undefined || noun === "--help" || noun === "-h" || noun === "help") {
    await context.out(overview(verbs));
    return noun === undefined ? exitCodes.usage : exitCodes.done;
  }
  const whole = verbs.find((verb) => verb.name === noun);
  if (whole !== undefined) return runVerb(whole, words.slice(1), context);
  const siblings = verbs.filter((verb) => verb.name.startsWith(`${noun} `));
  if (siblings.length === 0) throw unknown(noun, [...new Set(verbs.map((verb) => verb.name.split(" ")[0]!))]);
  if (name === undefined || name === "--help" || name === "-h") {
    await context.out(overview(siblings));
    return name === undefined ? exitCodes.usage : exitCodes.done;
  }
  const verb = siblings.find((candidate) => candidate.name === `${noun} ${name}`);
  if (verb === undefined)
    throw unknown(
      name,
      siblings.map((sibling) => sibling.name.split(" ")[1]!),
    );
  return runVerb(verb, words.slice(2), context);
}

async function runVerb(verb: AgentVerb, words: readonly string[], context: AgentContext): Promise<ExitCode> {
  const { values, argument } = parseWords(verb, words);
  if (values["help"] === true) {
    await context.out(helpOf(verb));
    return exitCodes.done;
  }
  return verb.run(context, values, argument);
}

function unknown(word: string, candidates: readonly string[]): NixsealError {
  return new NixsealError("usage", `unknown command '${word}'`, {
    hint: didYouMean(word, candidates) ?? "see nixseal-agent --help",
  });
}
