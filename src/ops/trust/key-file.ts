import { join, resolve } from "node:path";
import { NixsealError } from "../../core/errors.ts";
import { parsePublicKeyLine } from "../../ssh/public-key-line.ts";
import { parsePrivateKey } from "../../ssh/private-key.ts";
import type { PublicKey } from "../../ssh/public-key.ts";
import type { CaKey } from "../../trust/certificates/issue.ts";
import { readKeys } from "../key-lines.ts";
import type { Context } from "../op.ts";

type Finder = Pick<Context, "files" | "workingDirectory" | "environment" | "processes" | "emit">;

export interface KeyFile {
  /** What `ssh-keygen -f` takes: a private key, or a public one whose private half it finds itself. */
  readonly file: string;
  readonly key: PublicKey;
}

const largestKey = 64 << 10;
const mostKeys = 256;

/** Public keys from the command line, as keys. */
export async function publicKeys(
  context: Pick<Context, "files" | "workingDirectory">,
  words: readonly string[],
): Promise<PublicKey[]> {
  return (await readKeys(context, words)).map(({ line }) => parsePublicKeyLine(line).key);
}

/**
 * The file of a key that is one of `wanted`: the one that was named, else the first that fits in `~/.ssh`.
 * `refused` when the named one is none of them, `not-found` when nothing fits.
 */
export async function findKey(
  context: Finder,
  given: string | undefined,
  wanted: readonly PublicKey[],
  role: string,
): Promise<KeyFile> {
  if (given !== undefined) {
    const file = resolve(context.workingDirectory, given);
    const key = await publicHalf(context, file);
    if (wanted.some(({ fingerprint }) => fingerprint === key.fingerprint)) return { file, key };
    throw new NixsealError("refused", `${given} (${key.fingerprint}) is no ${role}`, {
      hint: "'nixseal trust show' lists the keys of the root",
    });
  }
  for (const file of await usualFiles(context)) {
    const key = await readable(context, file);
    if (wanted.some(({ fingerprint }) => fingerprint === key?.fingerprint)) return { file, key: key! };
  }
  throw new NixsealError("not-found", `no key in ~/.ssh is a ${role}`, {
    hint: `name it: --key FILE, for a key in an agent or a token its .pub file; wanted is ${wanted.map(({ fingerprint }) => fingerprint).join(" or ")}`,
  });
}

/** How `ssh-keygen -s` reaches the CA's key: through the agent when that has it, else in the file beside the public one. */
export async function caKey(context: Finder, { file, key }: KeyFile): Promise<CaKey> {
  const publicFile = file.endsWith(".pub") ? file : `${file}.pub`;
  const hasPublic = (await context.files.status(publicFile)) !== null;
  if (hasPublic && (await agentHas(context, key))) return { file: publicFile, agent: true };
  const privateFile = file.endsWith(".pub") ? file.slice(0, -".pub".length) : file;
  if ((await context.files.status(privateFile)) !== null) return { file: privateFile, agent: false };
  throw new NixsealError(
    "not-found",
    `the private half of ${publicFile} is neither beside it nor in the agent`,
    {
      hint: "ssh-add it, or name the private key's file",
    },
  );
}

/** A word of warning where a private key lies on the disk for whoever takes the disk. */
export async function warnOfPlainKey(context: Pick<Finder, "files" | "emit">, file: string): Promise<void> {
  const path = file.endsWith(".pub") ? file.slice(0, -".pub".length) : file;
  if ((await context.files.status(path))?.kind !== "file") return;
  if (!(await isPlain(context, path))) return;
  context.emit({
    type: "warning",
    message: `${path} has no passphrase: whoever reads the file is root and CA of the fleet`,
    hint: `ssh-keygen -p -f ${path} gives it one; a key on a FIDO2 token (ssh-keygen -t ed25519-sk) is better`,
  });
}

async function isPlain({ files }: Pick<Finder, "files">, path: string): Promise<boolean> {
  try {
    return parsePrivateKey(await files.read(path, { limit: largestKey })).state === "ready";
  } catch (error) {
    // A token's key, or a format that only ssh-keygen reads: nothing that could be said of it here.
    if (error instanceof NixsealError && error.code !== "bug") return false;
    throw error;
  }
}

async function publicHalf(context: Finder, file: string): Promise<PublicKey> {
  const beside = file.endsWith(".pub") ? file : `${file}.pub`;
  if ((await context.files.status(beside)) !== null) {
    const [first] = await publicKeys(context, [beside]);
    return first!;
  }
  const parsed = parsePrivateKey(await context.files.read(file, { limit: largestKey }));
  return parsed.state === "ready" ? parsed.key.publicKey : parsed.publicKey;
}

/** Null for what lies in ~/.ssh and is no key that we take: it was not named, so it is no mistake. */
async function readable(context: Finder, file: string): Promise<PublicKey | null> {
  try {
    return await publicHalf(context, file);
  } catch (error) {
    if (error instanceof NixsealError && error.code !== "bug") return null;
    throw error;
  }
}

/** Public keys of the person, sorted by name; certificates are none. */
async function usualFiles({ files, environment }: Finder): Promise<string[]> {
  const home = environment.get("HOME");
  if (home === undefined) return [];
  const directory = join(home, ".ssh");
  if ((await files.status(directory))?.kind !== "directory") return [];
  const names = await files.list(directory);
  return names
    .filter((name) => name.endsWith(".pub") && !name.endsWith("-cert.pub"))
    .slice(0, mostKeys)
    .map((name) => join(directory, name));
}

async function agentHas({ processes, environment }: Finder, key: PublicKey): Promise<boolean> {
  if (environment.get("SSH_AUTH_SOCK") === undefined) return false;
  const { code, stdout } = await processes.run({ program: "ssh-add", args: ["-L"], timeout: 10_000 });
  const blob = Buffer.from(key.blob).toString("base64");
  return code === 0 && Buffer.from(stdout).toString("utf8").split(/\s/).includes(blob);
}
