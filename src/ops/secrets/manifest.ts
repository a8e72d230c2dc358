import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { manifestFor } from "../../secrets/manifest-for.ts";
import { manifestText, type Manifest } from "../../secrets/manifest.ts";
import { ciphertextFile, readStored } from "../../secrets/store/stored-secret.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";

export const manifest = op({
  effect: "read",
  input: z.object({ host: z.string().describe("the host, by name") }),
  positional: ["host"],
  output: z.custom<Manifest>(),
  examples: [
    { command: "nixseal secrets manifest web1 > manifest.json", says: "what nixseal-agent installs on web1" },
  ],
  run: async (context, { host: name }) => {
    const { directory, fleet } = await openFleet(context);
    const [host, ...others] = selectHosts(fleet, [name]);
    if (host === undefined || others.length > 0)
      throw new NixsealError("usage", `'${name}' selects ${others.length + 1} hosts`, {
        hint: "name one host",
      });
    return manifestFor(fleet, host, async (secret) => {
      const stored = await readStored(context.files, directory, secret.name);
      if (stored !== null) return stored.digest;
      throw new NixsealError(
        "not-found",
        `secret '${secret.name}' has no value, and ${host.name} is to have it`,
        {
          hint: `set it with \`nixseal secrets set ${secret.name}\``,
          where: { file: ciphertextFile(secret.name) },
        },
      );
    });
  },
  text: (value) => manifestText(value),
});
