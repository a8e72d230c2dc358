import * as z from "zod";
import { selectHosts } from "../../inventory/selectors.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { table } from "../table.ts";
import { destination, hostView, viewOf } from "./view.ts";

export const hostList = op({
  effect: "read",
  input: z.object({
    selector: z
      .array(z.string())
      .default([])
      .describe("which hosts: names, globs, tag:T, !name")
      .meta({ value: "SELECTOR" }),
  }),
  positional: ["selector"],
  output: z.object({ hosts: z.array(hostView) }),
  examples: [
    { command: "nixseal host list", says: "all hosts" },
    { command: "nixseal host list tag:web '!lufta'", says: "the hosts with the tag web, but not lufta" },
  ],
  run: async (context, { selector }) => {
    const { fleet } = await openFleet(context);
    const hosts =
      selector.length === 0 && fleet.hosts.size === 0
        ? []
        : selectHosts(fleet, selector.length === 0 ? ["*"] : selector);
    return { hosts: hosts.map(viewOf) };
  },
  text: ({ hosts }, paint) => {
    if (hosts.length === 0) return "no hosts yet: 'nixseal host add NAME ADDRESS' adds one";
    return table(
      ["host", "address", "system", "tags", "keys"],
      hosts.map((host) => [
        host.name,
        destination(host),
        host.system ?? "",
        host.tags.join(","),
        host.hostKeys.map(({ type }) => type.replace(/^ssh-/, "")).join(","),
      ]),
      paint,
    );
  },
});
