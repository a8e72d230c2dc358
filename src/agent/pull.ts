import { at, NixsealError } from "../core/errors.ts";
import { exitCodes, type ExitCode } from "../core/exit.ts";
import type { Files } from "../core/file-ports.ts";
import { lookForHead, pull as pullOrders } from "../delivery/pull.ts";
import type { SourceWorld } from "../delivery/pull-source.ts";
import {
  parsePullConfig,
  pullConfigFile,
  pullConfigLimit,
  type PullConfig,
} from "../delivery/pull-config.ts";
import { resolveTrusted } from "../secrets/install/trusted-path.ts";
import { asDeployUser } from "./deploy-user.ts";
import { openGate } from "./gate-open.ts";
import { rootOf, rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const pull: AgentVerb = {
  options: [
    { name: "check", summary: "only whether the source can be read; for the gate's health checks" },
    { name: "now", summary: "look at all of it again, whatever failed or was seen before" },
    rootOption,
  ],
  examples: ["nixseal-agent pull", "nixseal-agent pull --now --json"],
  exits: ["3 activated and undone again", "4 refused, by the gate or because the source went back"],
  run: async (context, values) => {
    const root = await rootOf(context.files, values);
    const open = await openGate(context.files, root);
    const words = [
      "pull",
      ...["check", "now", "json"].flatMap((name) => (values[name] === true ? [`--${name}`] : [])),
    ];
    const handed = await asDeployUser(context, root, open.config.user, words);
    if (handed !== null) {
      await context.out(visible(handed.stdout));
      return handed.code;
    }
    const config = await readConfig(context.files, root);
    const world: SourceWorld = { ...context, ...open };
    const isJson = values["json"] === true;
    if (values["check"] === true) {
      const { seq } = await lookForHead(world, config);
      const text = `the newest order is ${seq}`;
      await context.out(isJson ? `${JSON.stringify({ seq, message: text })}\n` : `${text}\n`);
      return exitCodes.done;
    }
    const step = (message: string): void => {
      if (context.streams.stdoutIsTerminal && !isJson) context.say(visible(`${message}\n`));
    };
    const result = await pullOrders(world, config, step, { now: values["now"] === true });
    // A medium that cannot be written is none of somebody's mistakes; an address that was given is.
    const lost = config.report === null ? null : result.receipts;
    const told = lost === null ? "" : `receipts: not handed in: ${lost}\n`;
    await context.out(
      isJson ? `${JSON.stringify(result)}\n` : visible(`${result.outcome}: ${result.message}\n${told}`),
    );
    return exit(result.exit);
  },
};

/** It says whose repository is believed: as much root's as the gate's own. */
async function readConfig(files: Files, root: string): Promise<PullConfig> {
  const found = await resolveTrusted(files, root, pullConfigFile);
  if (found.missing.length > 0)
    throw new NixsealError("config", "this host does not pull: it has no pull.json", {
      hint: "the NixOS module writes it (nixseal.pull), or see docs/pull.md",
      where: { file: `${root}${pullConfigFile}` },
    });
  if (!found.trusted)
    throw new NixsealError("refused", "others can change where this host pulls from", {
      hint: `chown root '${found.path}' and chmod go-w '${found.path}'`,
      where: { file: found.path },
    });
  try {
    return parsePullConfig(await files.read(found.path, { limit: pullConfigLimit }));
  } catch (error) {
    throw at(error, { file: found.path });
  }
}

function exit(code: number): ExitCode {
  return Object.values(exitCodes).find((known) => known === code) ?? exitCodes.bug;
}
