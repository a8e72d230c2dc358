/** Starting other programs as root: bounded, without a shell, in an environment that nobody who sent a message has a say in. */
import { join } from "node:path";
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Command, CommandResult } from "../../core/ports.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { placeOf } from "../paths.ts";
import type { Gate } from "./gate.ts";
import { switchVerdict, type SwitchVerdict } from "./switch-verdict.ts";

/** Left are PATH and LOCALE_ARCHIVE, which the unit or sudo's secure_path set, and LANG. */
export const scrubbed: Readonly<Record<string, string | undefined>> = {
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  TERM: undefined,
  TMPDIR: undefined,
  XDG_RUNTIME_DIR: undefined,
  SSH_AUTH_SOCK: undefined,
  SSH_ASKPASS: undefined,
  DISPLAY: undefined,
  WAYLAND_DISPLAY: undefined,
  NIX_PATH: undefined,
  NIX_REMOTE: undefined,
  NIX_CONF_DIR: undefined,
  NIX_SSL_CERT_FILE: undefined,
};

const killAfter = 10;
const shownLines = 200;
/** A line of a dry run names every unit that a switch would touch: hundreds. */
const shownColumns = 16 << 10;

export function runScrubbed(gate: Pick<Gate, "processes">, command: Command): Promise<CommandResult> {
  return gate.processes.run({ ...command, env: scrubbed });
}

/** A program and all that it started, ended when the time is over: a script that hangs must not go on beside the way back. */
export function runBounded(
  gate: Pick<Gate, "processes">,
  words: readonly string[],
  seconds: number,
): Promise<CommandResult> {
  return runScrubbed(gate, {
    program: "timeout",
    args: [`--kill-after=${killAfter}`, String(seconds), ...words],
    timeout: (seconds + 2 * killAfter) * 1000,
  });
}

/** `SYSTEM/bin/switch-to-configuration ACTION`, its output told line by line. */
export async function runSwitch(
  gate: Gate,
  system: StorePath,
  action: "test" | "boot" | "dry-activate",
): Promise<SwitchVerdict> {
  const program = switchProgram(gate, system);
  const seconds = gate.bounds.switch;
  const { code, stdout, stderr } = await runBounded(gate, [program, action], seconds);
  const lines = `${Buffer.from(stdout).toString("utf8")}${stderr}`.split("\n").filter((line) => line !== "");
  for (const line of lines.slice(-shownLines))
    await gate.say("output", line.slice(0, shownColumns).toWellFormed());
  return switchVerdict(`switch-to-configuration ${action}`, code, seconds);
}

export function switchProgram({ paths }: Pick<Gate, "paths">, system: StorePath): string {
  return join(placeOf(paths, system), "bin/switch-to-configuration");
}

/** Null when every check succeeds, else which one did not, and why. */
export async function healthFault(gate: Gate): Promise<string | null> {
  for (const words of gate.config.health) {
    const { code, stderr } = await runBounded(gate, words, gate.bounds.health);
    if (code === 0) continue;
    const said = stderr.trim().split("\n").at(-1)!;
    const why =
      code === 124 || code === 137 ? `did not end within ${gate.bounds.health} s` : `exit code ${code}`;
    return `the health check '${words.join(" ")}' failed: ${why}${said === "" ? "" : `: ${said}`}`;
  }
  return null;
}

/** A program of Nix's against the host's store. What it says on stdout; `tool` when it fails. */
export async function runNix(
  gate: Pick<Gate, "processes" | "paths" | "bounds">,
  program: "nix-store" | "nix-env",
  args: readonly string[],
  seconds: number = gate.bounds.store,
): Promise<string> {
  const { store } = gate.paths;
  const common = ["--option", "substitute", "false", ...(store === null ? [] : ["--store", store])];
  const timeout = seconds * 1000;
  const { code, stdout, stderr } = await runScrubbed(gate, { program, args: [...common, ...args], timeout });
  if (code !== 0)
    throw new NixsealError("tool", `${program} failed: ${stderr.trim().split("\n").at(-1)!.slice(0, 500)}`);
  return utf8Text(stdout, `what ${program} says`);
}
