/** Signing by `ssh-keygen`, because it reaches the keys that we must not: those in agents and FIDO tokens. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Command, Ports } from "../../core/ports.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { parseArmoredSshSig, signedData, signingKey, type SshSig } from "../../ssh/sshsig.ts";

export type Signing = Pick<Ports, "processes" | "files" | "streams"> & { readonly emit: Emit };

/** Time to find the token, touch it and type a passphrase. */
const patience = 5 * 60_000;
const largestSignature = 64 << 10;

/**
 * An SSHSIG over the message by the key in this file: a private key, or a public one whose private half the agent or
 * the file beside it has. On a terminal ssh-keygen asks for passphrases and touches itself. `tool` when it cannot sign.
 */
export async function signWithKeygen(
  context: Signing,
  message: Uint8Array,
  namespace: string,
  keyFile: string,
): Promise<SshSig> {
  const args = ["-Y", "sign", "-f", keyFile, "-n", namespace];
  const armored = context.streams.stdinIsTerminal
    ? await onTerminal(context, args, message)
    : (await runKeygen(context, { program: "ssh-keygen", args, input: message })).stdout;
  const signature = parseArmoredSshSig(utf8Text(armored, "the signature of ssh-keygen"));
  const data = signedData(message, signature);
  const verified = verifySignature(signingKey(signature.signer), data, signature.signature);
  if (verified.accepted && signature.namespace === namespace) return signature;
  throw new NixsealError("refused", "ssh-keygen gave a signature that does not hold");
}

/** Runs it to the end; a failure is `tool` with what it said last. On a terminal it has said so there. */
export async function runKeygen(
  { processes }: Pick<Ports, "processes">,
  command: Command,
): Promise<{ readonly stdout: Uint8Array }> {
  const timeout = command.terminal === true ? patience : undefined;
  const { code, stdout, stderr } = await processes.run({ timeout, ...command });
  if (code === 0) return { stdout };
  const said = stderr.trim().split("\n").at(-1)!.trim();
  throw new NixsealError("tool", `ssh-keygen failed${said === "" ? "" : `: ${said}`}`, {
    hint: "for a key with a passphrase run this in a terminal, or add the key to ssh-agent with ssh-add",
  });
}

/** The message goes through a file, so that stdin stays the terminal that passphrases are typed on. */
async function onTerminal(
  { processes, files, emit }: Signing,
  args: readonly string[],
  message: Uint8Array,
): Promise<Uint8Array> {
  emit({ type: "step", message: `ssh-keygen signs with ${args[3]}; it may ask for a passphrase or a touch` });
  const directory = await files.privateDirectory();
  try {
    const file = `${directory}/message`;
    await files.create(file, message, { mode: 0o600 });
    await runKeygen({ processes }, { program: "ssh-keygen", args: [...args, file], terminal: true });
    return await files.read(`${file}.sig`, { limit: largestSignature });
  } finally {
    await files.removeTree(directory);
  }
}
