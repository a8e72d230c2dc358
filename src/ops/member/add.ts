import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { planAdd } from "../../inventory/edit/change.ts";
import * as rules from "../../inventory/field-rules.ts";
import type { MemberName } from "../../inventory/model.ts";
import { memberRecipients } from "../../inventory/recipients.ts";
import { diffOf, editFleet } from "../fleet-edit.ts";
import { keyView } from "../host/view.ts";
import { readKeys } from "../key-lines.ts";
import { matching } from "../matching.ts";
import { op } from "../op.ts";
import { secretsRead } from "./view.ts";

export const memberAdd = op({
  effect: "write",
  input: z.object({
    name: matching(rules.name).describe("what the fleet calls the member"),
    key: z
      .array(z.string())
      .default([])
      .meta({ value: "FILE" })
      .describe("an SSH public key: a .pub file, or its line"),
    recipient: z
      .array(z.string())
      .default([])
      .meta({ value: "RECIPIENT" })
      .describe("an age recipient for secrets (default: the SSH keys that age can encrypt to)"),
    group: z
      .array(matching(rules.name))
      .default([])
      .meta({ value: "GROUP" })
      .describe("a group for selectors"),
    dryRun: z.boolean().default(false).describe("show the change, write nothing"),
  }),
  positional: ["name"],
  output: z.object({
    name: z.string(),
    file: z.string(),
    keys: z.array(keyView),
    reads: z.boolean().describe("whether secrets can be encrypted to the member"),
    secrets: z.array(z.string()).describe("what the member reads from now on"),
    dryRun: z.boolean(),
    diff: z.string(),
  }),
  examples: [
    { command: "nixseal member add alice --key alice.pub --group infra", says: "with an SSH public key" },
  ],
  run: async (context, { name, key, recipient, group, dryRun }) => {
    if (key.length === 0 && recipient.length === 0)
      throw new NixsealError("usage", "--key is missing", {
        hint: "--key FILE names the member's SSH public key (~/.ssh/id_ed25519.pub on their machine)",
      });
    const keys = await readKeys(context, key);
    const fields = [
      ...(keys.length === 0 ? [] : [["keys", keys.map(({ line }) => line)] as const]),
      ...(recipient.length === 0 ? [] : [["recipients", recipient] as const]),
      ...(group.length === 0 ? [] : [["groups", group] as const]),
    ];
    const plan = await editFleet(context, `member add ${name}`, dryRun, (sources) =>
      planAdd(sources, "member", [{ name, fields }]),
    );
    const member = plan.fleet?.members.get(name as MemberName);
    return {
      name,
      file: plan.changes[0]!.file,
      keys: keys.map(({ type, fingerprint }) => ({ type, fingerprint })),
      reads: member === undefined || memberRecipients(member).length > 0,
      secrets: member === undefined ? [] : secretsRead(plan.fleet!, member),
      dryRun,
      diff: diffOf(plan),
    };
  },
  text: ({ name, file, keys, reads, secrets, dryRun, diff }) => {
    if (dryRun) return diff;
    const having = keys.length === 0 ? "" : `, with ${keys.map(({ fingerprint }) => fingerprint).join(", ")}`;
    const done = `added the member ${name} to ${file}${having}`;
    if (!reads)
      return `${done}\n\nNo secret can be encrypted to ${name}: add an ssh-ed25519 key, or --recipient age1…`;
    if (secrets.length === 0) return done;
    return `${done}\n\n${name} reads: ${secrets.join(", ")}\nNext: 'nixseal secrets rekey' encrypts them to ${name}`;
  },
});
