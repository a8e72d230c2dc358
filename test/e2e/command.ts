import { spawn } from "node:child_process";

export interface CommandOptions {
  /** Written to stdin, which is then closed; without it stdin is empty. */
  readonly input?: string | Uint8Array | undefined;
  /** Milliseconds; the program is killed after that and the promise rejects. Default: one minute. */
  readonly timeout?: number | undefined;
  /** The whole environment. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface Result {
  /** The exit code; 137 when the program was killed. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. Rejects when it cannot be started or takes too long. */
export function attempt(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const [program = "", ...args] = argv;
  const timeout = options.timeout ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "pipe", env: options.env });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    // A program that ends without reading all of its stdin says by its exit code whether that matters.
    child.stdin.on("error", () => {}).end(options.input ?? "");
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      // Descendants may hold the pipes open; nobody waits for them.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(`no end after ${timeout} ms: ${argv.join(" ")}\n${tail(output.stderr)}`));
    }, timeout);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, ...output });
    });
  });
}

/** Runs a program that must succeed, and gives its stdout. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(argv, options);
  if (code !== 0) throw new Error(`exit ${code}: ${argv.join(" ")}\n${tail(`${stdout}\n${stderr}`)}`);
  return stdout;
}

/** The last lines, for messages. */
export function tail(text: string, lines = 25): string {
  return text.trim().split("\n").slice(-lines).join("\n");
}
