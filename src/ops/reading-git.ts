/** Stock git as a reader of the fleet's repository, for what decides nothing about trust: `src/trust/commits` judges histories. */
import { NixsealError } from "../core/errors.ts";
import type { Command, Processes } from "../core/ports.ts";

/** A repository's configuration may name programs to run, and where to fetch what is missing. */
const settings = [
  // A directory with HEAD, objects and refs counts as a repository, also where a commit of an outer one brought them: only a `.git`
  // is none that git ever checks out. Git before 2.38 does not know this; the others leave it little to do.
  "safe.bareRepository=explicit",
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "log.showSignature=false", // runs gpg.program
].flatMap((setting) => ["-c", setting]);

const environment = {
  GIT_ALLOW_PROTOCOL: "none",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
};

/** What git writes, null where it fails. Throws `refused` in a repository that was committed into another one. */
export async function readingGit(
  { run }: Pick<Processes, "run">,
  directory: string,
  args: readonly string[],
  maxOutput?: Command["maxOutput"],
): Promise<Uint8Array | null> {
  const { code, stdout, stderr } = await run({
    program: "git",
    args: ["-C", directory, ...settings, ...args],
    env: environment,
    maxOutput,
  });
  if (code === 0) return stdout;
  if (/cannot use bare repository/i.test(stderr))
    throw new NixsealError("refused", `${directory} is a bare repository, perhaps inside of another one`, {
      hint: "work in a clone with a work tree; if this is one, look who made its files HEAD and objects: a commit may have brought them",
    });
  return null;
}
