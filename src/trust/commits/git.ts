import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { CommandResult, Conversation, Processes } from "../../core/ports.ts";

/** Beside the fixed environment of every child, which holds no GIT_ variable of the caller. */
const environment = {
  // Replaced objects would be shown to us in place of those that the ids name.
  GIT_NO_REPLACE_OBJECTS: "1",
  // A partial clone fetches what it lacks with commands of its own configuration.
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOW_PROTOCOL: "none",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
};

/** A commit-graph file says who is whose parent without any proof. */
const settings = [
  "core.commitGraph=false",
  "core.useReplaceRefs=false",
  "core.warnAmbiguousRefs=true", // range.ts hears of ambiguous names by the warning only
].flatMap((setting) => ["-c", setting]);

/** Stock git in one repository, as a reader of objects and references. It never judges a signature. */
export class Git {
  readonly #processes: Pick<Processes, "run" | "converse">;
  readonly directory: string;

  constructor(processes: Pick<Processes, "run" | "converse">, directory: string) {
    this.#processes = processes;
    this.directory = directory;
  }

  /** Whatever the exit code. `maxOutput` in bytes. */
  run(args: readonly string[], maxOutput?: number, input?: Uint8Array): Promise<CommandResult> {
    return this.#processes.run({ ...this.#command(args), maxOutput, input, timeout: 10 * 60_000 });
  }

  /** The output's lines; `tool` with git's own words when it fails. */
  async lines(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw gitFailed(args[0]!, stderr);
    return utf8Text(stdout, "git's output")
      .split("\n")
      .filter((line) => line !== "");
  }

  converse(...args: string[]): Conversation {
    return this.#processes.converse(this.#command(args));
  }

  #command(args: readonly string[]) {
    return { program: "git", args: [...settings, ...args], cwd: this.directory, env: environment };
  }
}

export function gitFailed(command: string, stderr: string): NixsealError {
  const words = stderr.trim().split("\n", 1)[0]!.slice(0, 300);
  return new NixsealError("tool", `git ${command} failed: ${words === "" ? "no reason given" : words}`);
}
