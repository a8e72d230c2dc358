import * as z from "zod";
import { oneSecret } from "../../inventory/selectors.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { judge } from "../../secrets/store/judge.ts";
import { ciphertextFile, readStored } from "../../secrets/store/stored-secret.ts";
import { openFleet } from "../fleet-context.ts";
import { op } from "../op.ts";

export const show = op({
  effect: "read",
  input: z.object({ name: z.string().describe("the secret") }),
  positional: ["name"],
  output: z.object({
    secret: z.string(),
    file: z.string(),
    path: z.string(),
    owner: z.string(),
    group: z.string(),
    mode: z.string(),
    stage: z.string(),
    restart: z.array(z.string()).readonly(),
    reload: z.array(z.string()).readonly(),
    maxAgeDays: z.number().nullable(),
    recipients: z.array(z.object({ name: z.string(), recipient: z.string() })),
    stored: z
      .object({
        epoch: z.number().nullable(),
        created: z.string().nullable(),
        digest: z.string(),
        stanzas: z.array(z.string()),
        upToDate: z.boolean(),
        evidence: z.enum(["record", "stanzas"]),
        missing: z.array(z.string()).readonly(),
        surplus: z.array(z.string()).readonly(),
      })
      .nullable(),
  }),
  examples: [
    { command: "nixseal secrets show grafana-admin", says: "who can read it, where it goes, how old it is" },
  ],
  run: async (context, { name }) => {
    const { directory, fleet } = await openFleet(context);
    const { path, owner, group, mode, stage, restart, reload, maxAge, ...secret } = oneSecret(fleet, name);
    const recipients = recipientsOf(fleet, fleet.secrets.get(secret.name)!);
    const stored = await readStored(context.files, directory, name);
    return {
      secret: name,
      file: ciphertextFile(name),
      path,
      owner,
      group,
      mode,
      stage,
      restart,
      reload,
      maxAgeDays: maxAge === null ? null : maxAge / 86_400,
      recipients,
      stored:
        stored === null
          ? null
          : {
              epoch: stored.record?.epoch ?? null,
              created: stored.record?.created ?? null,
              digest: stored.digest,
              stanzas: stored.stanzas.map(({ args }) =>
                args[0]!.startsWith("ssh-") ? args.join(" ") : args[0]!,
              ),
              ...judge(recipients, stored),
            },
    };
  },
  text: (output, paint) => {
    const { stored } = output;
    const lines: [string, string][] = [
      ["file", output.file],
      ["on hosts", `${output.path} (${output.owner}:${output.group} ${output.mode}, stage ${output.stage})`],
      ...(output.restart.length > 0 ? [["restarts", output.restart.join(", ")] as [string, string]] : []),
      ...(output.reload.length > 0 ? [["reloads", output.reload.join(", ")] as [string, string]] : []),
      ["for", [...new Set(output.recipients.map(({ name }) => name))].join(", ")],
    ];
    if (stored === null) lines.push(["state", paint.bad("no value yet")]);
    else {
      const problems = [
        ...(stored.missing.length > 0 ? [`cannot be read by ${stored.missing.join(", ")}`] : []),
        ...(stored.surplus.length > 0 ? [`can be read by ${stored.surplus.join(", ")}`] : []),
      ];
      lines.push([
        "state",
        stored.upToDate ? paint.good(`up to date (by ${stored.evidence})`) : paint.bad(problems.join("; ")),
      ]);
      lines.push([
        "epoch",
        stored.epoch === null ? "unknown: made by another program" : `${stored.epoch}, set ${stored.created}`,
      ]);
    }
    return `${paint.strong(output.secret)}\n${lines.map(([key, value]) => `  ${key.padEnd(9)} ${value}`).join("\n")}`;
  },
});
