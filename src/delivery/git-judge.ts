import { dirname } from "node:path";
import { utf8Text } from "../core/bytes.ts";
import { NixsealError } from "../core/errors.ts";
import type { Processes } from "../core/ports.ts";
import { Field } from "../nix/json-fields.ts";
import type { GitSource } from "./pull-config.ts";

/** Milliseconds. */
const patience = 30 * 60_000;
/** More are not listed: the verb for it lists all. */
const mostListed = 3;

/**
 * By `nixseal commits verify`, in a process of its own, since it needs packages that this program does without. It remembers beside the
 * repository what was accepted: a branch that went back is refused, and what came after a refused tip counts when it hangs
 * on an accepted one. Throws `refused` with the first reasons.
 */
export async function judgeBranch(
  processes: Pick<Processes, "run">,
  verifier: readonly string[],
  { branch, introduction }: Pick<GitSource, "branch" | "introduction">,
  directory: string,
): Promise<void> {
  const [program, ...words] = verifier;
  const { code, stdout, stderr } = await processes.run({
    program: program!,
    args: [...words, "commits", "verify", `refs/heads/${branch}`, "--introduction", introduction, "--json"],
    cwd: directory,
    env: { XDG_STATE_HOME: dirname(directory) },
    timeout: patience,
  });
  if (code === 0) return;
  const said = stderr.trim().split("\n")[0]!.slice(0, 500);
  if (code !== 4) throw new NixsealError("tool", `the commits could not be judged: ${said}`);
  const report = Field.parse(utf8Text(stdout, "the verdict"), "verdict");
  // An error has no list, only a message.
  if (report.get("refused").isNull) throw new NixsealError("refused", report.get("message").string());
  const refused = report.get("refused").items();
  const shown = refused
    .slice(0, mostListed)
    .map((one) => `${one.get("commit").string().slice(0, 12)} ${one.get("reason").string()}`);
  throw new NixsealError("refused", `${refused.length} commits are not accepted: ${shown.join("; ")}`, {
    hint: "what was accepted before stays; the next run looks again",
  });
}
