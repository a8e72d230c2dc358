import { exitCodes } from "../core/exit.ts";
import { readMarker } from "../secrets/install/status.ts";
import { layoutOf } from "../secrets/install/layout.ts";
import { nameCheck } from "../secrets/manifest-fields.ts";
import { rootOf, rootOption } from "./root.ts";
import { visible } from "./text.ts";
import type { AgentVerb } from "./verb.ts";

export const secretsVerify: AgentVerb = {
  options: [rootOption],
  argument: { name: "NAME", summary: "the secret" },
  examples: ["nixseal-agent secrets verify grafana-admin"],
  exits: ["1 it failed"],
  run: async (context, values, argument) => {
    const name = nameCheck(argument, "NAME");
    const reason = await readMarker(context.files, layoutOf(await rootOf(context.files, values)), name);
    if (reason !== null) context.say(visible(reason));
    const text = reason === null ? `secret '${name}': no failure\n` : "";
    await context.out(
      values["json"] === true ? `${JSON.stringify({ name, failed: reason !== null, reason })}\n` : text,
    );
    return reason === null ? exitCodes.done : exitCodes.findings;
  },
};
