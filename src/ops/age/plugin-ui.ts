import type { PluginHost } from "../../secrets/age/plugin/host.ts";
import type { Context } from "../op.ts";

/** Plugins, with their questions put to the person at the terminal. */
export function pluginHost({
  processes,
  person,
  emit,
}: Pick<Context, "processes" | "person" | "emit">): PluginHost {
  return {
    processes,
    ui: {
      display: async (plugin, message) => emit({ type: "step", message: `age-plugin-${plugin}: ${message}` }),
      confirm: (plugin, question, yes, no) => {
        const choices = no === undefined ? yes : `y: ${yes}, n: ${no}`;
        return person.askYesNo(printable(`age-plugin-${plugin}: ${question} (${choices})`));
      },
      // Also for what need not be hidden: not to show it does no harm.
      requestPublic: (plugin, question) => person.askSecret(printable(`age-plugin-${plugin}: ${question} `)),
      requestSecret: (plugin, question) => person.askSecret(printable(`age-plugin-${plugin}: ${question} `)),
    },
  };
}

/** A plugin's question goes straight to the terminal: it must not steer it. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}
