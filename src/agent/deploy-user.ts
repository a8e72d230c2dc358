/** Root does not read what strangers may have written: the deploy user does, as it does for uploads. */
import { exitCodes, type ExitCode } from "../core/exit.ts";
import { visible } from "./text.ts";
import type { AgentContext } from "./verb.ts";

/** Milliseconds: a large system from a slow medium. */
const patience = 12 * 3600_000;

/**
 * Runs this program once more as the gate's deploy user (runuser(1)), and gives what it wrote to stdout. Null where this process may
 * go on: it is not root, or works below a directory (images, tests), where there are no accounts and no Nix daemon.
 */
export async function asDeployUser(
  { files, processes, program, say }: AgentContext,
  root: string,
  user: string,
  words: readonly string[],
): Promise<{ readonly code: ExitCode; readonly stdout: string } | null> {
  const isRoot = (await files.status("/proc/self"))?.uid === 0; // proc(5): the effective uid
  if (!isRoot || root !== "" || user === "root") return null;
  const { code, stdout, stderr } = await processes.run({
    // In a session of its own: from one with root's terminal it could type into root's shell (TIOCSTI, CVE-2016-2779).
    program: "setsid",
    args: ["--wait", "runuser", "-u", user, "--", ...program, ...words],
    env: { HOME: "/var/empty" }, // git and Nix would look into root's
    timeout: patience,
  });
  say(visible(stderr)); // the account may be anybody's by now
  return {
    code: Object.values(exitCodes).find((known) => known === code) ?? exitCodes.bug,
    stdout: Buffer.from(stdout).toString("utf8"),
  };
}
