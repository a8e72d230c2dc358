import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { Secret } from "../../inventory/model.ts";
import { hostsOf, readersOf, recipientsOf } from "../../inventory/recipients.ts";
import { selectSecrets } from "../../inventory/selectors.ts";
import { judge, type Marks } from "../../secrets/store/judge.ts";
import { readStored } from "../../secrets/store/stored-secret.ts";
import { openFleet, type OpenFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { table } from "../table.ts";

const row = z.object({
  secret: z.string(),
  state: z.enum(["ok", "missing", "outdated", "broken"]),
  epoch: z.number().nullable(),
  created: z.string().nullable(),
  hosts: z.array(z.string()),
  readers: z.array(z.string()),
});

export const list = op({
  effect: "read",
  input: z.object({
    selector: z.array(z.string()).describe("names or globs of secrets (default: all)").default([]),
  }),
  positional: ["selector"],
  output: z.object({ secrets: z.array(row) }),
  examples: [{ command: "nixseal secrets list 'db-*'", says: "the secrets whose name begins with db-" }],
  run: async (context, { selector }) => {
    const open = await openFleet(context);
    const chosen =
      selector.length === 0 ? [...open.fleet.secrets.values()] : selectSecrets(open.fleet, selector);
    const marks: Marks = new Map();
    const secrets = [];
    for (const secret of chosen) secrets.push(await describe(context, open, secret, marks));
    return { secrets };
  },
  text: ({ secrets }, paint) =>
    secrets.length === 0
      ? "no secrets yet: declare one in fleet.toml, then `nixseal secrets set NAME`"
      : table(
          ["SECRET", "STATE", "EPOCH", "SET", "HOSTS", "READERS"],
          secrets.map(({ secret, state, epoch, created, hosts, readers }) => [
            secret,
            state === "ok" ? paint.good(state) : paint.bad(state),
            epoch === null ? "-" : String(epoch),
            created === null ? "-" : created.slice(0, 10),
            String(hosts.length),
            String(readers.length),
          ]),
          paint,
        ),
});

async function describe(context: Context, { directory, fleet }: OpenFleet, secret: Secret, marks: Marks) {
  const base = {
    secret: secret.name,
    hosts: hostsOf(fleet, secret).map(({ name }) => name),
    readers: readersOf(fleet, secret).map(({ name }) => name),
  };
  try {
    const stored = await readStored(context.files, directory, secret.name);
    if (stored === null) return { ...base, state: "missing" as const, epoch: null, created: null };
    const { upToDate } = judge(recipientsOf(fleet, secret), stored, marks);
    const { epoch = null, created = null } = stored.record ?? {};
    return { ...base, state: upToDate ? ("ok" as const) : ("outdated" as const), epoch, created };
  } catch (error) {
    if (!(error instanceof NixsealError)) throw error;
    return { ...base, state: "broken" as const, epoch: null, created: null };
  }
}
