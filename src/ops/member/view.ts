import * as z from "zod";
import type { Fleet, Member } from "../../inventory/model.ts";
import { memberRecipients, readersOf } from "../../inventory/recipients.ts";
import { keyView } from "../host/view.ts";

/** A member as programs see it. */
export const memberView = z.object({
  name: z.string(),
  groups: z.array(z.string()),
  keys: z.array(keyView),
  keyFiles: z.array(z.string()).describe("OpenPGP certificates"),
  recipients: z.array(z.string()).describe("what secrets for the member are encrypted to"),
  file: z.string(),
});

export function viewOf(member: Member): z.output<typeof memberView> {
  const { name, groups, keys, keyFiles, file } = member;
  return {
    name,
    groups: [...groups],
    keys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
    keyFiles: [...keyFiles],
    recipients: [...memberRecipients(member)],
    file,
  };
}

/** The secrets that the member reads, sorted by name. */
export function secretsRead(fleet: Fleet, member: Member): string[] {
  const read = [...fleet.secrets.values()].filter((secret) => readersOf(fleet, secret).includes(member));
  return read.map((secret) => secret.name).sort();
}
