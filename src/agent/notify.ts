import { exitCodes } from "../core/exit.ts";
import { noticesFile } from "../watch/layout.ts";
import { readNotices } from "../watch/notices.ts";
import { tell } from "../watch/tell.ts";
import type { AgentVerb } from "./verb.ts";

export const notifyVerb: AgentVerb = {
  options: [{ name: "file", value: "FILE", summary: `what was found (default: ${noticesFile})` }],
  examples: ["nixseal-agent notify", "systemctl --user start nixseal-notify.service"],
  exits: [],
  run: async (context, values) => {
    const file = typeof values["file"] === "string" ? values["file"] : noticesFile;
    const notices = await readNotices(context.files, file);
    const told = notices === null ? "nothing new" : await tell(context, notices, context.clock.now());
    await context.out(values["json"] === true ? `${JSON.stringify({ told })}\n` : `${told}\n`);
    return exitCodes.done;
  },
};
