import * as z from "zod";
import { selectMembers } from "../../inventory/selectors.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { table } from "../table.ts";
import { memberView, viewOf } from "./view.ts";

export const memberList = op({
  effect: "read",
  input: z.object({
    selector: z
      .array(z.string())
      .default([])
      .describe("which members: names, globs, group:G, !name")
      .meta({ value: "SELECTOR" }),
  }),
  positional: ["selector"],
  output: z.object({ members: z.array(memberView) }),
  examples: [
    { command: "nixseal member list", says: "everybody" },
    { command: "nixseal member list group:infra", says: "one group" },
  ],
  run: async (context, { selector }) => {
    const { fleet } = await openFleet(context);
    const all = selector.length === 0;
    const members = all && fleet.members.size === 0 ? [] : selectMembers(fleet, all ? ["*"] : selector);
    return { members: members.map(viewOf) };
  },
  text: ({ members }, paint) => {
    if (members.length === 0) return "no members yet: 'nixseal member add NAME --key FILE' adds one";
    return table(
      ["member", "groups", "keys"],
      members.map((member) => [
        member.name,
        member.groups.join(","),
        [...member.keys.map(({ fingerprint }) => fingerprint), ...member.keyFiles].join(" "),
      ]),
      paint,
    );
  },
});
