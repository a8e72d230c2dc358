import * as z from "zod";
import { oneSecret } from "../../inventory/selectors.ts";
import { NixsealError } from "../../core/errors.ts";
import { ciphertextFile, readStored } from "../../secrets/store/stored-secret.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { identityFlag, openSecret } from "./identities.ts";

export const get = op({
  effect: "read",
  input: z.object({ name: z.string().describe("the secret"), identity: identityFlag }),
  positional: ["name"],
  output: z.object({ secret: z.string(), encoding: z.enum(["utf8", "base64"]), value: z.string() }),
  examples: [
    { command: "nixseal secrets get grafana-admin", says: "the value and nothing else, on stdout" },
    { command: "nixseal secrets get grafana-admin -i ~/.ssh/work", says: "with another key" },
  ],
  run: async (context, { name, identity }) => {
    const { directory, fleet } = await openFleet(context);
    oneSecret(fleet, name);
    const stored = await readStored(context.files, directory, name);
    if (stored === null)
      throw new NixsealError("not-found", `secret '${name}' has no value`, {
        hint: `set it with \`nixseal secrets set ${name}\``,
        where: { file: ciphertextFile(name) },
      });
    const bytes = Buffer.from((await openSecret(context, stored, identity)).reveal());
    const text = bytes.toString("utf8");
    const isText = Buffer.compare(Buffer.from(text, "utf8"), bytes) === 0;
    return isText
      ? { secret: name, encoding: "utf8" as const, value: text }
      : { secret: name, encoding: "base64" as const, value: bytes.toString("base64") };
  },
  text: ({ encoding, value }) => Buffer.from(value, encoding),
});
