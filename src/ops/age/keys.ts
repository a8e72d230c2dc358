/** Recipients and identities as the flags of `age` verbs name them. */
import { resolve } from "node:path";
import * as z from "zod";
import { concat } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { KeyIdentity } from "../../secrets/age/identity.ts";
import { parseIdentityFile } from "../../secrets/age/identity-file.ts";
import { limits } from "../../secrets/age/limits.ts";
import { parseRecipientFile } from "../../secrets/age/recipient-file.ts";
import type { Recipient } from "../../secrets/age/recipient.ts";
import type { Context } from "../op.ts";
import { pluginHost } from "./plugin-ui.ts";

export const identityFlag = z
  .array(z.string())
  .default([])
  .meta({ short: "i", value: "FILE" })
  .describe("a file with age identities or an SSH private key");

/** The identities of all files, in their order. Keys behind a passphrase are asked for when they are needed. */
export async function readIdentities(context: Context, paths: readonly string[]): Promise<KeyIdentity[]> {
  const identities: KeyIdentity[] = [];
  for (const path of paths) {
    const file = await readKeyFile(context, path);
    identities.push(
      ...parseIdentityFile(file, path, {
        passphrase: (question) => context.passphrase(question),
        plugins: pluginHost(context),
      }),
    );
    await warnOfReaders(context, path, file);
  }
  return identities;
}

export async function readRecipients(context: Context, path: string): Promise<Recipient[]> {
  const file = await readKeyFile(context, path);
  const parsed = parseRecipientFile(file, path, { random: context.random, plugins: pluginHost(context) });
  for (const { type, line } of parsed.ignored)
    context.emit({
      type: "warning",
      message: `${path}:${line}: age cannot encrypt to ${type} keys, left out`,
    });
  return parsed.recipients;
}

async function readKeyFile(context: Context, path: string): Promise<Uint8Array> {
  const { files, streams, workingDirectory } = context;
  if (path !== "-") return files.read(resolve(workingDirectory, path), { limit: limits.keyFile });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of streams.stdin()) {
    size += part.length;
    if (size > limits.keyFile)
      throw new NixsealError("limit", `more than ${limits.keyFile} bytes of keys on standard input`);
    parts.push(part);
  }
  return concat(...parts);
}

/** A key that others on the machine can read is theirs as well. Pipes and the like are no one's to fix. */
async function warnOfReaders(context: Context, path: string, file: Uint8Array): Promise<void> {
  const plain = !Buffer.from(file.subarray(0, 64)).includes("age-encryption.org") && !file.includes(0);
  const status = path === "-" ? null : await context.files.status(resolve(context.workingDirectory, path));
  if (status?.kind !== "file" || (status.mode & 0o044) === 0 || !plain) return;
  context.emit({
    type: "warning",
    message: `${path} can be read by other users of this machine`,
    hint: `chmod 600 ${path}`,
  });
}
