import * as z from "zod";
import { identityFiles } from "../../inventory/identities.ts";
import type { Host } from "../../inventory/model.ts";
import { hostRecipients } from "../../inventory/recipients.ts";

export const keyView = z.object({ type: z.string(), fingerprint: z.string() });

/** A host as programs see it. */
export const hostView = z.object({
  name: z.string(),
  address: z.string(),
  port: z.number(),
  user: z.string().nullable(),
  system: z.string().nullable(),
  tags: z.array(z.string()),
  hostKeys: z.array(keyView),
  recipients: z.array(z.string()).describe("what secrets for the host are encrypted to"),
  identities: z.array(z.string()).describe("the files on the host with the private keys"),
  file: z.string(),
});

export type HostView = z.output<typeof hostView>;

export function viewOf(host: Host): HostView {
  const { name, address, port, user, system, tags, hostKeys, file } = host;
  return {
    name,
    address,
    port,
    user,
    system,
    tags: [...tags],
    hostKeys: hostKeys.map(({ type, fingerprint }) => ({ type, fingerprint })),
    recipients: [...hostRecipients(host)],
    identities: [...identityFiles(host)],
    file,
  };
}

/** `user@address:port`, as far as it differs from what ssh takes by itself. */
export function destination({ address, port, user }: Pick<HostView, "address" | "port" | "user">): string {
  const at = user === null ? address : `${user}@${address}`;
  return port === 22 ? at : `${at} port ${port}`;
}
