import { at, NixsealError } from "../core/errors.ts";
import { gateConfigFile, gateConfigLimit, parseGateConfig } from "../gate/config.ts";
import { gatePaths } from "../gate/paths.ts";
import { journal } from "../gate/receive/log.ts";
import { readLogin } from "../gate/receive/login.ts";
import { receive as serve } from "../gate/receive/receive.ts";
import { ClientPort } from "../gate/receive/stdin-port.ts";
import { visible } from "./text.ts";
import type { AgentContext, AgentVerb } from "./verb.ts";

export const receive: AgentVerb = {
  options: [
    {
      name: "member",
      value: "NAME",
      summary: "whose key logged in, as the line of authorized_keys says it",
    },
    {
      name: "root",
      value: "DIR",
      summary: "a directory that prefixes every path on the host (images, tests)",
    },
  ],
  examples: [
    'in authorized_keys: restrict,command="/run/current-system/sw/bin/nixseal-agent receive --member alice" ssh-ed25519 AAAA…',
  ],
  exits: ["1 what was asked for is not there", "4 refused"],
  run: async (context, values) => {
    const root = typeof values["root"] === "string" ? await context.files.realPath(values["root"]) : "";
    const member = typeof values["member"] === "string" ? values["member"] : null;
    const login = await readLogin(context, member);
    const { config, paths } = await readConfig(context, root === "/" ? "" : root);
    const client = new ClientPort(context.streams);
    const say = (text: string): void => context.say(visible(text));
    const key = login.keys?.[0]?.fingerprint ?? null;
    const { log, end } = journal(context, { member, key });
    try {
      const commandLine = context.environment.get("SSH_ORIGINAL_COMMAND");
      return await serve({ ...context, config, paths, login, client, log, say }, commandLine);
    } catch (error) {
      if (error instanceof NixsealError) log({ event: "ended", code: error.code, reason: error.message });
      throw error;
    } finally {
      await client.close();
      await end();
    }
  },
};

/** Whoever may write it, and every path that it names, is root's: the root side checks that before it believes anything. */
async function readConfig({ files }: AgentContext, root: string) {
  const file = `${root}${gateConfigFile}`;
  try {
    const config = parseGateConfig(await files.read(file, { limit: gateConfigLimit }));
    return { config, paths: gatePaths(root, config) };
  } catch (error) {
    throw at(error, { file });
  }
}
