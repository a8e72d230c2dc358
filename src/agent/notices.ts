import { NixsealError } from "../core/errors.ts";
import { exitCodes } from "../core/exit.ts";
import { staleness } from "../watch/freshness.ts";
import { hookOf, shells } from "../watch/hooks.ts";
import { noticesFile } from "../watch/layout.ts";
import { noticesText } from "../watch/notices-text.ts";
import { readNotices } from "../watch/notices.ts";
import type { AgentVerb } from "./verb.ts";

export const noticesVerb: AgentVerb = {
  name: "notices",
  summary: "show what 'watch' found; reads one file, asks nobody",
  options: [
    { name: "file", value: "FILE", summary: `the file (default: ${noticesFile})` },
    {
      name: "hook",
      value: "SHELL",
      choices: shells,
      summary: "print what makes a shell show notices when it starts",
    },
  ],
  examples: ["nixseal-agent notices", "nixseal-agent notices --hook bash >> ~/.bashrc"],
  exits: ["1 there are notices", "5 they may not be all"],
  run: async (context, values) => {
    const shell = shells.find((known) => known === values["hook"]);
    if (shell !== undefined) {
      await context.out(hookOf(shell));
      return exitCodes.done;
    }
    const file = typeof values["file"] === "string" ? values["file"] : noticesFile;
    const notices = await readNotices(context.files, file);
    if (notices === null)
      throw new NixsealError("not-found", "nothing has watched here yet", {
        hint: "'nixseal-agent watch' does; see docs/watch.md",
        where: { file },
      });
    const now = context.clock.now();
    const stale = staleness(notices, now);
    const text = noticesText(notices, now)
      .map((line) => `${line}\n`)
      .join("");
    await context.out(values["json"] === true ? `${JSON.stringify({ ...notices, stale })}\n` : text);
    if (stale !== null) return exitCodes.stale;
    return notices.notices.length + notices.stopped.length > 0 ? exitCodes.findings : exitCodes.done;
  },
};
