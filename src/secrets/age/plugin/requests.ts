/** What plugins may ask for in both state machines. */
import { fromBase64, utf8Text } from "../../../core/bytes.ts";
import { NixsealError } from "../../../core/errors.ts";
import type { Stanza } from "../stanza.ts";
import type { PluginConnection } from "./connection.ts";
import type { PluginUi } from "./ui.ts";

/** More stanzas than this in one conversation is a plugin that runs in a circle. */
const mostStanzas = 10_000;

/**
 * The second phase: the plugin speaks and each stanza is answered, until `done`. `handle` takes the stanzas of
 * the state machine and returns false for those that it does not know; these are answered here.
 */
export async function answerRequests(
  plugin: string,
  connection: PluginConnection,
  ui: PluginUi,
  handle: (stanza: Stanza) => boolean,
): Promise<void> {
  for (let count = 0; count < mostStanzas; count++) {
    const stanza = await connection.receive();
    const [type] = stanza.args;
    if (type === "done") return;
    if (type === "error") {
      await connection.send("ok");
      throw new NixsealError("tool", `age-plugin-${plugin}: ${message(stanza)}`);
    }
    if (handle(stanza)) await connection.send("ok");
    else await answer(plugin, connection, ui, stanza);
  }
  throw new NixsealError("limit", `age-plugin-${plugin} does not come to an end`);
}

type Answer = readonly [args: readonly string[], body?: Uint8Array];

async function answer(
  plugin: string,
  connection: PluginConnection,
  ui: PluginUi,
  stanza: Stanza,
): Promise<void> {
  const ask = asker(plugin, ui, stanza);
  if (ask === null) return connection.send("unsupported");
  let reply: Answer;
  try {
    reply = await ask();
  } catch (cause) {
    if (!(cause instanceof NixsealError) || cause.code === "cancelled") throw cause;
    return connection.send("fail"); // nobody to ask; the plugin goes on without, or ends with its own error
  }
  return connection.send("ok", ...reply);
}

function asker(plugin: string, ui: PluginUi, stanza: Stanza): (() => Promise<Answer>) | null {
  const text = message(stanza);
  switch (stanza.args[0]!) {
    case "msg":
      return async () => {
        await ui.display(plugin, text);
        return [[]];
      };
    case "request-public":
      return async () => [[], (await ui.requestPublic(plugin, text)).reveal()];
    case "request-secret":
      return async () => [[], (await ui.requestSecret(plugin, text)).reveal()];
    case "confirm": {
      const [yes, no] = choices(plugin, stanza);
      return async () => [[(await ui.confirm(plugin, text, yes, no)) ? "yes" : "no"]];
    }
    default:
      return null;
  }
}

function choices(plugin: string, stanza: Stanza): [yes: string, no: string | undefined] {
  const texts = stanza.args.slice(1).map((arg) => fromBase64(arg, "unpadded"));
  if (texts.length < 1 || texts.length > 2 || texts.includes(null))
    throw new NixsealError("malformed", `age-plugin-${plugin} asks a question without valid choices`);
  const [yes, no] = texts.map((bytes) => utf8Text(bytes!, "a choice of a plugin"));
  return [yes!, no];
}

function message(stanza: Stanza): string {
  return utf8Text(stanza.body, "a message of a plugin").slice(0, 2000);
}
