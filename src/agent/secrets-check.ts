import { exitCodes } from "../core/exit.ts";
import { checkManifest } from "../secrets/manifest-check.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const secretsCheck: AgentVerb = {
  options: [
    { name: "manifest", value: "FILE", required: true, summary: "the manifest; sources lie beside it" },
  ],
  examples: ["nixseal-agent secrets check --manifest result/manifest.json"],
  exits: ["1 findings"],
  run: async (context, values) => {
    const { manifest, findings } = await checkManifest(context.files, String(values["manifest"]));
    for (const { secret, message, hint } of findings)
      context.say(visible(`secret '${secret}': ${message}\n${hint === null ? "" : `  hint: ${hint}\n`}`));
    const count = manifest.secrets.length;
    const text = `${manifest.host}: ${count} ${count === 1 ? "secret" : "secrets"}, ${findings.length} findings\n`;
    const document = { host: manifest.host, secrets: count, findings };
    await context.out(values["json"] === true ? `${JSON.stringify(document)}\n` : text);
    return findings.length > 0 ? exitCodes.findings : exitCodes.done;
  },
};
