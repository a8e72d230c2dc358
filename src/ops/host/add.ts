import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import type { EntryFields } from "../../inventory/edit/add-entry.ts";
import { planAdd } from "../../inventory/edit/change.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { HostName, SshKey } from "../../inventory/model.ts";
import { secretsOf } from "../../inventory/recipients.ts";
import { diffOf, editFleet } from "../fleet-edit.ts";
import { readKeys } from "../key-lines.ts";
import { matching } from "../matching.ts";
import { op, type Context } from "../op.ts";
import { confirmHostKeys, scanHostKeys } from "./scan.ts";
import { keyView } from "./view.ts";

const input = z.object({
  name: matching(rules.name).describe("what the fleet calls it"),
  address: matching(rules.address).describe("where ssh connects to (default: the name)").optional(),
  hostKey: z
    .array(z.string())
    .default([])
    .meta({ value: "KEY" })
    .describe("its SSH host key, as a line or a .pub file; the network is not asked"),
  fingerprint: z
    .array(
      z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, {
        error: "expected SHA256: and 43 characters, as ssh-keygen -l prints it",
      }),
    )
    .default([])
    .meta({ value: "SHA256:…" })
    .describe("take the key with this fingerprint without asking"),
  port: z.int().min(1).max(65_535).default(22).meta({ value: "N" }).describe("the port of its SSH server"),
  user: matching(rules.user).meta({ value: "USER" }).describe("whom to log in as").optional(),
  tag: z.array(matching(rules.name)).default([]).meta({ value: "TAG" }).describe("a tag for selectors"),
  system: matching(rules.system)
    .meta({ value: "SYSTEM" })
    .describe("the Nix system, such as x86_64-linux")
    .optional(),
  recipient: z
    .array(z.string())
    .default([])
    .meta({ value: "RECIPIENT" })
    .describe("an age recipient that replaces the host keys"),
  dryRun: z.boolean().default(false).describe("show the change, write nothing"),
});

export const hostAdd = op({
  effect: "write",
  input,
  positional: ["name", "address"],
  output: z.object({
    name: z.string(),
    address: z.string(),
    file: z.string(),
    hostKeys: z.array(keyView),
    secrets: z.array(z.string()).describe("what reaches it from now on"),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [
    { command: "nixseal host add lufta lufta.example.org", says: "shows its key's fingerprint and asks" },
    {
      command: "nixseal host add lufta --host-key /mnt/etc/ssh/ssh_host_ed25519_key.pub --tag web",
      says: "from a file, without the network",
    },
  ],
  run: async (context, given) => {
    const { name, dryRun } = given;
    const address = given.address ?? name;
    // Planned once before the network and the person are bothered: a name that is taken is said at once.
    await editFleet(context, "", true, (sources) => planAdd(sources, "host", [{ name, fields: [] }]));
    const keys = await hostKeys(context, given, address);
    const plan = await editFleet(context, `host add ${name}`, dryRun, (sources) =>
      planAdd(sources, "host", [{ name, fields: fieldsOf(given, keys) }]),
    );
    const host = plan.fleet?.hosts.get(name as HostName);
    return {
      name,
      address,
      file: plan.changes[0]!.file,
      hostKeys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
      secrets: host === undefined ? [] : secretsOf(plan.fleet!, host).map((secret) => secret.name),
      dryRun,
      diff: diffOf(plan),
    };
  },
  text: ({ name, file, hostKeys, secrets, dryRun, diff }) => {
    if (dryRun) return diff;
    const keys = hostKeys.map(({ fingerprint }) => fingerprint).join(", ");
    const next =
      secrets.length === 0
        ? `Next: name it in the hosts of a secret in ${file}`
        : `These secrets reach it: ${secrets.join(", ")}\nNext: 'nixseal secrets rekey' encrypts them to it`;
    return `added the host ${name} to ${file}, with ${keys}\n\n${next}`;
  },
});

async function hostKeys(
  context: Context,
  given: z.output<typeof input>,
  address: string,
): Promise<readonly SshKey[]> {
  const { name, port, hostKey, fingerprint } = given;
  if (hostKey.length === 0)
    return confirmHostKeys(context, name, await scanHostKeys(context, address, port), fingerprint);
  if (fingerprint.length > 0)
    throw new NixsealError("usage", "--host-key and --fingerprint exclude each other", {
      hint: "a key that you bring needs no fingerprint",
    });
  return readKeys(context, hostKey);
}

function fieldsOf(given: z.output<typeof input>, keys: readonly SshKey[]): EntryFields {
  const { address, port, user, recipient, tag, system } = given;
  return [
    ...(address === undefined ? [] : [["address", address] as const]),
    ...(port === 22 ? [] : [["port", port] as const]),
    ...(user === undefined ? [] : [["user", user] as const]),
    ["host_keys", keys.map(({ line }) => line)],
    ...(recipient.length === 0 ? [] : [["recipients", recipient] as const]),
    ...(tag.length === 0 ? [] : [["tags", tag] as const]),
    ...(system === undefined ? [] : [["system", system] as const]),
  ];
}
