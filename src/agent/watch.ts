import { NixsealError } from "../core/errors.ts";
import { exitCodes, type ExitCode } from "../core/exit.ts";
import { configurationFile } from "../watch/layout.ts";
import { newsText } from "../watch/notices-text.ts";
import { isUnitName } from "../watch/unit-name.ts";
import { rootOf, rootOption } from "./root.ts";
import type { AgentContext, AgentVerb } from "./verb.ts";

/** The matcher and the feed are loaded when they are needed only: no other verb waits for them. */
const parts = {
  config: () => import("../watch/config.ts"),
  watch: () => import("../watch/watch.ts"),
  preview: () => import("../watch/preview.ts"),
  resume: () => import("../watch/resume.ts"),
  gatePatch: () => import("./gate-patch.ts"),
};

export const watchVerb: AgentVerb = {
  options: [
    {
      name: "config",
      value: "FILE",
      summary: `what to watch and what may be done (default: ${configurationFile})`,
    },
    rootOption,
    { name: "preview", summary: "say which units would be stopped, from what is here; change nothing" },
    { name: "resume", value: "UNIT", summary: "start a stopped unit again, and leave it alone from now on" },
  ],
  examples: [
    "nixseal-agent watch",
    "nixseal-agent watch --preview",
    "nixseal-agent watch --resume web.service",
  ],
  exits: [
    "1 something is worth a notice",
    "3 a unit could not be stopped or started",
    "4 the feed was refused",
    "5 the advisories are out of date",
  ],
  run: async (context, values) => {
    const { resume } = values;
    if (typeof resume === "string") {
      if (values["root"] !== undefined || values["preview"] === true)
        throw new NixsealError("usage", "--resume goes with neither --root nor --preview");
      return resumeUnit(context, resume, values["json"] === true);
    }
    const root = await rootOf(context.files, values);
    const path = typeof values["config"] === "string" ? values["config"] : configurationFile;
    if (!path.startsWith("/")) throw new NixsealError("usage", "--config must be an absolute path");
    const { readConfig } = await parts.config();
    const config = await readConfig(context.files, root, path);
    const say = (line: string): void => context.say(`${line}\n`);
    const json = values["json"] === true;
    if (values["preview"] === true) {
      const { preview, previewText } = await parts.preview();
      const seen = await preview(context, config, root);
      await context.out(json ? `${JSON.stringify(seen)}\n` : lines(previewText(seen)));
      return seen.stop.length > 0 ? exitCodes.findings : exitCodes.done;
    }
    const [{ watch, exitOf }, { patchByGate }] = await Promise.all([parts.watch(), parts.gatePatch()]);
    const watched = await watch({ ...context, say }, { config, root, patch: patchByGate(context, root) });
    const now = context.clock.now();
    await context.out(json ? `${JSON.stringify(watched.notices)}\n` : lines(newsText(watched.notices, now)));
    return exitOf(watched, now);
  },
};

async function resumeUnit(context: AgentContext, unit: string, json: boolean): Promise<ExitCode> {
  if (!isUnitName(unit))
    throw new NixsealError("usage", "--resume needs the name of a unit, such as web.service", {
      hint: "'nixseal-agent notices' lists the units that were stopped",
    });
  const { resume } = await parts.resume();
  const say = (line: string): void => context.say(`${line}\n`);
  const allowed = await resume({ ...context, say }, unit, context.clock.now());
  const text = `${unit} is started, and not stopped again for ${allowed.advisories.join(", ")}\n`;
  await context.out(json ? `${JSON.stringify(allowed)}\n` : text);
  return exitCodes.done;
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("");
