import { resolve } from "node:path";
import * as z from "zod";
import { oneSecret } from "../../inventory/selectors.ts";
import { concat } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { recipientsOf } from "../../inventory/recipients.ts";
import { limits } from "../../secrets/age/limits.ts";
import { ciphertextFile } from "../../secrets/store/stored-secret.ts";
import { setValue } from "../../secrets/store/set-value.ts";
import { openFleet } from "../fleet-context.ts";
import { op, type Context } from "../op.ts";
import { withLockedStore } from "./locked-store.ts";
import { recipientParser } from "./recipient-parser.ts";

export const set = op({
  effect: "write",
  input: z.object({
    name: z.string().describe("the secret, as in fleet.toml"),
    fromFile: z
      .string()
      .meta({ value: "FILE" })
      .describe("read the value from this file (default: stdin, or ask)")
      .optional(),
  }),
  positional: ["name"],
  output: z.object({
    secret: z.string(),
    file: z.string(),
    epoch: z.number(),
    recipients: z.array(z.string()),
  }),
  examples: [
    { command: "nixseal secrets set grafana-admin", says: "asks, without echo" },
    {
      command: "openssl rand -hex 32 | nixseal secrets set session-key",
      says: "keeps the bytes of stdin as they are",
    },
  ],
  run: async (context, { name, fromFile }) => {
    const { fleet: now } = await openFleet(context);
    recipientsOf(now, oneSecret(now, name)); // what is wrong is said before anybody types a value
    const value = await readValue(context, name, fromFile);
    if (value.reveal().length === 0)
      context.emit({
        type: "warning",
        message: "the value is empty",
        hint: "if it came through a pipe, look whether the program before it failed",
      });
    try {
      return await withLockedStore(context, `secrets set ${name}`, false, async ({ directory, fleet }) => {
        const wanted = recipientsOf(fleet, oneSecret(fleet, name));
        const record = await setValue(
          name,
          value.reveal(),
          wanted,
          directory,
          context,
          recipientParser(context),
        );
        const recipients = Object.keys(record.recipients);
        return { secret: name, file: ciphertextFile(name), epoch: record.epoch, recipients };
      });
    } finally {
      value.wipe();
    }
  },
  text: ({ secret, file, epoch, recipients }) =>
    `${secret}: epoch ${epoch}, encrypted to ${recipients.join(", ")}\nwritten to ${file}; commit it together with its .json`,
});

async function readValue(context: Context, name: string, fromFile: string | undefined): Promise<SecretValue> {
  if (fromFile !== undefined && fromFile !== "-")
    return new SecretValue(
      await context.files.read(resolve(context.workingDirectory, fromFile), { limit: limits.plaintext }),
    );
  if (context.streams.stdinIsTerminal && fromFile !== "-") return askTwice(context, name);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of context.streams.stdin()) {
    size += part.length;
    if (size > limits.plaintext)
      throw new NixsealError("limit", `the value is larger than ${limits.plaintext} bytes`);
    parts.push(part);
  }
  return new SecretValue(concat(...parts));
}

async function askTwice(context: Context, name: string): Promise<SecretValue> {
  const value = await context.person.askSecret(`Value of ${name}: `);
  const again = await context.person.askSecret("Once more: ");
  if (Buffer.compare(value.reveal(), again.reveal()) === 0) return value;
  throw new NixsealError("cancelled", "the two values differ", { hint: "nothing was changed; try again" });
}
