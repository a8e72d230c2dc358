import { spawn, type ChildProcessByStdio, type ChildProcessWithoutNullStreams } from "node:child_process";
import { hostname } from "node:os";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { concat } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Command, CommandResult, Conversation, Processes } from "../core/ports.ts";
import { bounded, exitOf } from "./exit-of.ts";
import { wrap } from "./wrap.ts";

const minute = 60_000;
const mebibyte = 1 << 20;
const stderrKept = 64 << 10;

/** Children get these names of our environment and no other: what a caller's shell exports is not our business. */
const inherited = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TERM",
  "TMPDIR",
  "XDG_RUNTIME_DIR",
  "SSH_AUTH_SOCK",
  "SSH_ASKPASS",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "NIX_PATH",
  "NIX_REMOTE",
  "NIX_CONF_DIR",
  "NIX_SSL_CERT_FILE",
  "LOCALE_ARCHIVE",
];

/** Its stdin is null where it gets no input: /dev/null costs less than a pipe that is closed at once. */
type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** The process port: argv arrays only, bounded in time and output. */
export const processes: Processes = { run, converse, wrap, pid: process.pid, hostname: hostname() };

async function run(command: Command): Promise<CommandResult> {
  if (command.terminal === true) return runOnTerminal(command);
  const { input } = command;
  const child = start(command, input === undefined ? "ignore" : "pipe");
  const limit = command.maxOutput ?? 64 * mebibyte;
  const parts: Uint8Array[] = [];
  const stderr = tail(child);
  if (command.onStderr !== undefined) {
    const decoder = new StringDecoder("utf8");
    child.stderr.on("data", (bytes: Buffer) => command.onStderr!(decoder.write(bytes)));
  }
  let size = 0;
  child.stdout.on("data", (bytes: Buffer) => {
    size += bytes.length;
    if (size <= limit) parts.push(bytes);
    else child.kill("SIGKILL");
  });
  child.stdin?.on("error", () => undefined); // the child need not read its input; its exit code tells
  child.stdin?.end(input);
  if (command.descriptor3 !== undefined) writeDescriptor3(child, command.descriptor3);
  const code = await exitOf(child, command.program, command.timeout ?? minute);
  if (size > limit) throw new NixsealError("limit", `${command.program} wrote more than ${limit} bytes`);
  return { code, stdout: concat(...parts), stderr: stderr() };
}

function writeDescriptor3({ stdio }: Child, bytes: Uint8Array): void {
  const pipe = stdio[3] as Writable;
  pipe.on("error", () => undefined); // nobody need read it
  pipe.end(bytes);
}

async function runOnTerminal(command: Command): Promise<CommandResult> {
  const child = spawn(command.program, command.args, {
    stdio: "inherit",
    cwd: command.cwd,
    env: environment(command),
  });
  const restore = leaveToChild("SIGINT", "SIGQUIT");
  try {
    const code = await exitOf(child, command.program, command.timeout ?? 24 * 60 * minute);
    return { code, stdout: new Uint8Array(), stderr: "" };
  } finally {
    restore();
  }
}

/**
 * The terminal sends these to every process on it. As system(3): while the child has the terminal they are for it alone;
 * if they ended us, an editor would go on with a plaintext that nobody takes back or removes.
 */
function leaveToChild(...signals: NodeJS.Signals[]): () => void {
  const ignored = (): void => undefined;
  const former = signals.map((signal) => ({ signal, listeners: process.listeners(signal) }));
  for (const signal of signals) process.removeAllListeners(signal).on(signal, ignored);
  return () => {
    for (const { signal, listeners } of former) {
      process.off(signal, ignored);
      for (const listener of listeners) process.on(signal, listener);
    }
  };
}

function converse(command: Command): Conversation {
  const child = start(command, "pipe") as ChildProcessWithoutNullStreams;
  const stderr = tail(child);
  const exit = exitOf(child, command.program, command.lifetime ?? 24 * 60 * minute);
  exit.catch(() => undefined); // reported by whoever waits next
  child.stdin.on("error", () => undefined);
  const pieces = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        child.stdin.write(bytes, (cause) =>
          cause
            ? reject(new NixsealError("tool", `${command.program} stopped reading`, { cause }))
            : resolve(),
        );
      }),
    read: async () => {
      const next = pieces.next().catch(async (cause: unknown) => {
        await exit; // cut off because it took too long: that says so
        throw new NixsealError("tool", `${command.program} was ended`, { cause });
      });
      const piece = await bounded(next, command.timeout ?? minute, () => {
        child.kill("SIGKILL");
        return new NixsealError("timeout", `${command.program} did not answer in time`);
      });
      if (piece.done === true) await exit; // a program that could not be started says so here
      return piece.done === true ? null : new Uint8Array(piece.value);
    },
    end: async () => {
      child.stdin.end();
      const rest: Uint8Array[] = [];
      for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next())
        rest.push(piece.value);
      return { code: await exit, stdout: concat(...rest), stderr: stderr() };
    },
    kill: () => {
      child.kill("SIGKILL");
      child.stdout.destroy(); // bytes that nobody reads any more would keep it, and us, from ending
    },
  };
}

function start(command: Command, stdin: "pipe" | "ignore"): Child {
  const fourth = command.descriptor3 === undefined ? [] : ["pipe" as const];
  return spawn(command.program, command.args, {
    stdio: [stdin, "pipe", "pipe", ...fourth],
    cwd: command.cwd,
    env: environment(command),
    detached: command.ownSession === true,
  }) as Child;
}

function environment(command: Command): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { LANG: "C.UTF-8" };
  for (const name of inherited) if (process.env[name] !== undefined) env[name] = process.env[name];
  for (const [name, value] of Object.entries(command.env ?? {})) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

function tail(child: Child): () => string {
  let kept = Buffer.alloc(0);
  child.stderr.on("data", (bytes: Buffer) => {
    kept = Buffer.concat([kept, bytes]).subarray(-stderrKept);
  });
  return () => kept.toString("utf8");
}
