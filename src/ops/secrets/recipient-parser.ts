import { parseRecipient } from "../../secrets/age/parse-recipient.ts";
import type { ParseRecipient } from "../../secrets/store/seal.ts";
import { pluginHost } from "../age/plugin-ui.ts";
import type { Context } from "../op.ts";

/** Recipients as `secrets` verbs take them from the inventory, those of plugins too. */
export function recipientParser(context: Context): ParseRecipient {
  const plugins = pluginHost(context);
  return (text) => parseRecipient(text, { random: context.random, plugins });
}
