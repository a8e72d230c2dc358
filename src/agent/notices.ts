import { exitCodes } from "../core/exit.ts";
import { hookOf, shells } from "../watch/hooks.ts";
import { noticesFile } from "../watch/layout.ts";
import { exitOf, noticesNow, textOf } from "../watch/notices-now.ts";
import type { AgentVerb } from "./verb.ts";

export const noticesVerb: AgentVerb = {
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
  exits: [
    "1 there are notices",
    "3 a unit could not be stopped",
    "4 the feed was refused",
    "5 it is too old",
  ],
  run: async (context, values) => {
    const shell = shells.find((known) => known === values["hook"]);
    if (shell !== undefined) {
      await context.out(hookOf(shell));
      return exitCodes.done;
    }
    const file = typeof values["file"] === "string" ? values["file"] : noticesFile;
    const found = await noticesNow(context, file);
    await context.out(values["json"] === true ? `${JSON.stringify(found)}\n` : textOf(found));
    return exitOf(found);
  },
};
