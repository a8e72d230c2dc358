import * as z from "zod";
import { oneMember } from "../../inventory/selectors.ts";
import { facts } from "../facts.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";
import { memberView, secretsRead, viewOf } from "./view.ts";

export const memberShow = op({
  effect: "read",
  input: z.object({ name: z.string().describe("the member") }),
  positional: ["name"],
  output: memberView.extend({ secrets: z.array(z.string()) }),
  examples: [{ command: "nixseal member show alice", says: "keys, groups and the secrets that alice reads" }],
  run: async (context, { name }) => {
    const { fleet } = await openFleet(context);
    const member = oneMember(fleet, name);
    return { ...viewOf(member), secrets: secretsRead(fleet, member) };
  },
  text: (member, paint) =>
    facts([
      ["member", paint.strong(member.name)],
      ["groups", member.groups.join(", ")],
      [
        "signs with",
        [...member.keys.map(({ type, fingerprint }) => `${fingerprint} (${type})`), ...member.keyFiles],
      ],
      ["encrypted to", member.recipients],
      ["secrets", member.secrets.join(", ")],
      ["defined in", member.file],
    ]),
});
