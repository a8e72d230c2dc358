import { timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { NixsealError } from "../../core/errors.ts";
import { encrypt as encryptStream } from "../../secrets/age/encrypt.ts";
import { parseRecipient, type RecipientContext } from "../../secrets/age/parse-recipient.ts";
import type { Recipient } from "../../secrets/age/recipient.ts";
import { ScryptRecipient } from "../../secrets/age/scrypt.ts";
import { op, type Context } from "../op.ts";
import { openInput, openOutput, requireOneStdin, writeAll } from "./files.ts";
import { identityFlag, readIdentities, readRecipients } from "./keys.ts";
import { pluginHost } from "./plugin-ui.ts";

const input = z.object({
  recipient: z
    .array(z.string())
    .default([])
    .meta({ short: "r", value: "RECIPIENT" })
    .describe("encrypt to this recipient: age1… or an SSH public key"),
  recipientsFile: z
    .array(z.string())
    .default([])
    .meta({ short: "R", value: "FILE" })
    .describe("encrypt to the recipients in this file, one a line"),
  identity: identityFlag.describe("encrypt to the recipients of the identities in this file"),
  passphrase: z.boolean().default(false).meta({ short: "p" }).describe("encrypt to a passphrase"),
  armor: z.boolean().default(false).meta({ short: "a" }).describe("write text instead of binary"),
  output: z
    .string()
    .meta({ short: "o", value: "FILE" })
    .describe("where to (default: standard output)")
    .optional(),
  encrypt: z.boolean().default(false).meta({ short: "e" }).describe("what it does anyway; for users of age"),
  input: z.string().describe("the file to encrypt (default: standard input)").optional(),
});
type Input = z.output<typeof input>;

export const encrypt = op({
  effect: "write",
  input,
  positional: ["input"],
  output: z.object({ output: z.string().nullable(), recipients: z.number(), bytes: z.number() }),
  examples: [
    { command: "nixseal age encrypt -R ~/.ssh/id_ed25519.pub -o note.age note.txt", says: "to an SSH key" },
    {
      command: "tar c etc | nixseal age encrypt -r age1… -r age1… > etc.tar.age",
      says: "a stream, to two keys",
    },
    { command: "nixseal age encrypt -p -a -o note.age note.txt", says: "to a passphrase, as text" },
  ],
  run: async (context, given) => {
    requireSense(context, given);
    const { input: path, output: outputPath, armor } = given;
    const keyFiles = [...given.recipientsFile, ...given.identity];
    requireOneStdin([path, ...keyFiles]);
    const source = await openInput(context, path, "encrypt");
    const output = await openOutput(context, outputPath, { mode: 0o666, umask: true }, [path, ...keyFiles]);
    const recipients = await readAllRecipients(context, given);
    const bytes = await writeAll(output, encryptStream(source, recipients, context.random, { armor }));
    return { output: outputPath ?? null, recipients: recipients.length, bytes };
  },
  text: () => "",
});

function requireSense({ streams, json }: Context, given: Input): void {
  const { recipient, recipientsFile, identity, passphrase, armor, output } = given;
  const keys = recipient.length + recipientsFile.length + identity.length;
  if (keys === 0 && !passphrase)
    throw new NixsealError("usage", "no recipients", {
      hint: "name them with -r RECIPIENT, -R FILE or -i FILE, or use a passphrase with -p",
    });
  if (keys > 0 && passphrase)
    throw new NixsealError("usage", "a passphrase cannot stand beside other recipients", {
      hint: "leave out -p, or -r, -R and -i",
    });
  if (!armor && output === undefined && streams.stdoutIsTerminal)
    throw new NixsealError("usage", "binary output does not go to a terminal", {
      hint: "write text with -a, or a file with -o FILE; -o - forces it",
    });
  if (json && (output === undefined || output === "-"))
    throw new NixsealError("usage", "--json and the file both want standard output", { hint: "add -o FILE" });
}

async function readAllRecipients(context: Context, given: Input): Promise<Recipient[]> {
  if (given.passphrase) return [new ScryptRecipient(await newPassphrase(context), context.random)];
  const plugins = pluginHost(context);
  const recipients = given.recipient.map((text) => namedRecipient(text, { random: context.random, plugins }));
  for (const path of given.recipientsFile) recipients.push(...(await readRecipients(context, path)));
  for (const identity of await readIdentities(context, given.identity))
    recipients.push(...(await identity.recipients(context.random)));
  return recipients;
}

/** Errors say which of several it is. What does not look like a recipient may be a private key, and is not repeated. */
function namedRecipient(text: string, context: RecipientContext): Recipient {
  try {
    return parseRecipient(text, context);
  } catch (error) {
    if (!(error instanceof NixsealError) || !/^(age1|ssh-)/.test(text)) throw error;
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    const { code, message, hint, cause } = error;
    throw new NixsealError(code, `recipient '${shown}': ${message}`, { hint, cause });
  }
}

/** Typed twice: nobody can see what was typed, and nothing else would tell before the file is needed. */
async function newPassphrase(context: Context) {
  const first = await context.passphrase("Passphrase: ");
  if (first.reveal().length === 0) throw new NixsealError("usage", "the passphrase is empty");
  const second = await context.passphrase("Passphrase again: ");
  const [a, b] = [first.reveal(), second.reveal()];
  if (a.length !== b.length || !timingSafeEqual(a, b))
    throw new NixsealError("usage", "the two passphrases differ");
  return first;
}
