import { resolve } from "node:path";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { exitCodes } from "../../core/exit.ts";
import * as rules from "../../inventory/field-rules.ts";
import { selectHosts } from "../../inventory/selectors.ts";
import { thresholdFor } from "../../trust/warrant/decide.ts";
import { identityFlag } from "../gate/destination.ts";
import { withLockedFleet } from "../locked-fleet.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";
import { openTrust } from "../trust/open.ts";
import { signing } from "../warrant/sign.ts";
import { pushTo } from "./push-host.ts";

const result = z.object({
  host: z.string(),
  state: z.enum(["pushed", "unchanged", "waits", "failed"]),
  seq: z.number().nullable(),
  secrets: z.array(z.string()).describe("whose values are new"),
  withSystem: z
    .array(z.string())
    .describe("of which the host's system knows nothing: they come with the next one"),
  restart: z.array(z.string()),
  reload: z.array(z.string()),
  problems: z.array(z.string()),
});

export const push = op({
  effect: "write",
  input: z.object({
    hosts: z.array(z.string()).meta({ value: "HOST" }).describe("which hosts: names, globs, tag:T, !name"),
    only: z.array(z.string()).default([]).meta({ value: "NAME" }).describe("this secret and no other"),
    order: z
      .string()
      .optional()
      .meta({ value: "FILE" })
      .describe("where the order waits until enough members have signed it; sent when they have"),
    expires: matching(rules.duration)
      .default("1h")
      .meta({ value: "DURATION" })
      .describe("how long the order holds"),
    identity: identityFlag,
    ...signing,
  }),
  positional: ["hosts"],
  output: z.object({ hosts: z.array(result) }),
  examples: [
    {
      command: "nixseal secrets push lufta",
      says: "what differs from the repository, shown and signed first",
    },
    {
      command: "nixseal secrets push vault --only master --order push.json",
      says: "for a host that needs more than one member: each runs the same",
    },
  ],
  run: (context, { hosts: selectors, ...given }) =>
    withLockedFleet(context, "secrets push", false, async (open) => {
      const hosts = selectHosts(open.fleet, selectors);
      if (selectors.length === 0 || hosts.length === 0)
        throw new NixsealError("usage", "there is no host", { hint: "nixseal secrets push HOST" });
      const trust = await openTrust(context, open.directory);
      const order = given.order === undefined ? undefined : resolve(context.workingDirectory, given.order);
      if (order !== undefined && hosts.length > 1)
        throw new NixsealError("usage", "--order is for one host", {
          hint: `the selectors pick ${hosts.length} hosts`,
        });
      for (const { name, tags } of hosts)
        if (order === undefined && thresholdFor(trust.root, { name, labels: tags }) > 1)
          throw new NixsealError("usage", `an order for ${name} needs more than one member`, {
            hint: `nixseal secrets push ${name} --order FILE, by each of them`,
          });
      const done: z.output<typeof result>[] = [];
      for (const host of hosts) {
        try {
          done.push(await pushTo(context, open, trust, host, { ...given, order }));
        } catch (error) {
          // One host that is away does not stop the others.
          const one = error instanceof NixsealError && error.code !== "cancelled" && hosts.length > 1;
          if (!one) throw error;
          done.push({ ...nothing, host: host.name, state: "failed", problems: [error.message] });
        }
      }
      return { hosts: done };
    }),
  text: ({ hosts }, paint) =>
    hosts
      .flatMap(({ host, state, seq, secrets, withSystem, restart, reload, problems }) => [
        `${paint.strong(host)}: ${{ pushed: `order ${seq}: ${secrets.join(", ")}`, unchanged: "has all values", waits: `order ${seq} waits for more signatures: ${secrets.join(", ")}`, failed: paint.bad("failed") }[state]}`,
        ...unitLine("restarted", restart),
        ...unitLine("reloaded", reload),
        ...unitLine("come with the next system", withSystem),
        ...problems.map((problem) => `  ${paint.bad("problem")}: ${problem}`),
      ])
      .join("\n"),
  exit: ({ hosts }) =>
    hosts.some(({ state, problems }) => state === "failed" || problems.length > 0)
      ? exitCodes.partial
      : exitCodes.done,
});

const nothing = { seq: null, secrets: [], withSystem: [], restart: [], reload: [], problems: [] };

function unitLine(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`  ${what}: ${names.join(" ")}`];
}
