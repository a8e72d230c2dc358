import { resolve } from "node:path";
import { utf8Text } from "../core/bytes.ts";
import { at, NixsealError } from "../core/errors.ts";
import type { SshKey } from "../inventory/model.ts";
import { readSshKey } from "../inventory/ssh-key.ts";
import type { Context } from "./op.ts";

const largestFile = 64 << 10;

/** SSH public keys from the command line: each word is the line itself, or a file of such lines (`.pub`). */
export async function readKeys(
  context: Pick<Context, "files" | "workingDirectory">,
  words: readonly string[],
): Promise<SshKey[]> {
  const keys = new Map<string, SshKey>();
  for (const word of words)
    for (const key of word.includes(" ") ? [readSshKey(word)] : await keysOfFile(context, word))
      keys.set(key.line, key);
  return [...keys.values()];
}

async function keysOfFile(
  context: Pick<Context, "files" | "workingDirectory">,
  file: string,
): Promise<SshKey[]> {
  const text = utf8Text(
    await context.files.read(resolve(context.workingDirectory, file), { limit: largestFile }),
    file,
  );
  if (text.includes("PRIVATE KEY"))
    throw new NixsealError("usage", "found a private key, expected a public one", {
      hint: `the public half is usually in ${file}.pub`,
      where: { file },
    });
  const keys = text.split("\n").flatMap((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    try {
      return readSshKey(line);
    } catch (error) {
      throw at(error, { file, line: index + 1 });
    }
  });
  if (keys.length > 0) return keys;
  throw new NixsealError("malformed", "there is no SSH public key in the file", { where: { file } });
}
