import { spawn } from "node:child_process";
import { isatty } from "node:tty";
import type { Processes } from "../core/ports.ts";
import { exitOf } from "./exit-of.ts";

/** Milliseconds: a week. Whoever builds all of nixpkgs takes days. */
const patience = 7 * 24 * 3600_000;

/**
 * A program in our place, as env(1) or timeout(1) run one. What the terminal sends on ctrl-c it sends to the program too, which may
 * take it as a person's "stop that" and go on (a shell, an editor): there it is not for us.
 */
export const wrap: Processes["wrap"] = async ({ program, args, env, stdoutToStderr }) => {
  const ignored = isatty(0) ? (["SIGINT", "SIGQUIT"] as const) : [];
  const passed = ["SIGTERM", "SIGHUP", ...(isatty(0) ? [] : (["SIGINT"] as const))] as const;
  const child = spawn(program, args, {
    stdio: ["inherit", stdoutToStderr ? 2 : "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  const ignore = (): void => undefined;
  const passOn = (signal: NodeJS.Signals): void => {
    process.off(signal, passOn); // the second one is for us
    child.kill(signal);
  };
  for (const signal of ignored) process.on(signal, ignore);
  for (const signal of passed) process.on(signal, passOn);
  try {
    return await exitOf(child, program, patience);
  } finally {
    for (const signal of ignored) process.off(signal, ignore);
    for (const signal of passed) process.off(signal, passOn);
  }
};
