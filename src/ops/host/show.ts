import * as z from "zod";
import { secretsOf } from "../../inventory/recipients.ts";
import { oneHost } from "../../inventory/selectors.ts";
import { facts } from "../facts.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { destination, hostView, viewOf } from "./view.ts";

export const hostShow = op({
  effect: "read",
  input: z.object({ name: z.string().describe("the host") }),
  positional: ["name"],
  output: hostView.extend({ secrets: z.array(z.string()) }),
  examples: [{ command: "nixseal host show lufta", says: "its keys and its secrets" }],
  run: async (context, { name }) => {
    const { fleet } = await openFleet(context);
    const host = oneHost(fleet, name);
    return { ...viewOf(host), secrets: secretsOf(fleet, host).map((secret) => secret.name) };
  },
  text: (host, paint) =>
    facts([
      ["host", paint.strong(host.name)],
      ["address", destination(host)],
      ["system", host.system ?? ""],
      ["tags", host.tags.join(", ")],
      ["host keys", host.hostKeys.map(({ type, fingerprint }) => `${fingerprint} (${type})`)],
      ["encrypted to", host.recipients],
      ["decrypts with", host.identities],
      ["secrets", host.secrets.join(", ")],
      ["defined in", host.file],
    ]),
});
