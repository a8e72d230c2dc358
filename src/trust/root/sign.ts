/** Signing by `ssh-keygen`, because it reaches the keys that we must not: those in agents and FIDO tokens. */
import { utf8Text } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Emit } from "../../core/events.ts";
import type { Command, Ports } from "../../core/ports.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { verifySignature } from "../../ssh/signature.ts";
import { parseArmoredSshSig, signedData, signingKey, type SshSig } from "../../ssh/sshsig.ts";

export type Signing = Pick<Ports, "processes" | "files" | "streams"> & {
  readonly emit: Emit;
  readonly passphrase: (question: string) => Promise<SecretValue>;
  /** The program that answers for a passphrase that was given already; null where ssh-keygen asks the person. */
  readonly askpass: string | null;
};

/** What holds many of them need not hold their bytes all the time. */
interface Message {
  readonly payload: Uint8Array;
}

/** Time to find the token, touch it and type a passphrase. */
const patience = 5 * 60_000;
const largestSignature = 64 << 10;
/** They lie in memory meanwhile. */
const messagesAtOnce = 100;

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
  const armored = asksPerson(context)
    ? (await signFiles(context, args, [{ payload: message }]))[0]!
    : (await runKeygen(context, args, message)).stdout;
  return proved(armored, message, namespace);
}

function proved(armored: Uint8Array, message: Uint8Array, namespace: string): SshSig {
  const signature = parseArmoredSshSig(utf8Text(armored, "the signature of ssh-keygen"));
  const data = signedData(message, signature);
  const verified = verifySignature(signingKey(signature.signer), data, signature.signature);
  if (verified.accepted && signature.namespace === namespace) return signature;
  throw new NixsealError("refused", "ssh-keygen gave a signature that does not hold");
}

/**
 * The same over many messages, in their order: the key is opened once, so that a passphrase is asked for once. A token wants to be
 * touched for each.
 */
export async function signAllWithKeygen(
  context: Signing,
  messages: readonly Message[],
  namespace: string,
  keyFile: string,
): Promise<SshSig[]> {
  const [only] = messages;
  if (messages.length === 1) return [await signWithKeygen(context, only!.payload, namespace, keyFile)];
  const args = ["-Y", "sign", "-f", keyFile, "-n", namespace];
  const signatures: SshSig[] = [];
  for (let from = 0; from < messages.length; from += messagesAtOnce) {
    const some = messages.slice(from, from + messagesAtOnce);
    const armored = await signFiles(context, args, some);
    some.forEach((message, index) => signatures.push(proved(armored[index]!, message.payload, namespace)));
  }
  return signatures;
}

/** Runs it to the end; a failure is `tool` with what it said last. On a terminal it has said so there. */
export async function runKeygen(
  context: Pick<Signing, "processes" | "streams" | "passphrase" | "askpass">,
  args: readonly string[],
  input?: Uint8Array,
  timeout = patience,
): Promise<{ readonly stdout: Uint8Array }> {
  const terminal = input === undefined && asksPerson(context);
  const { code, stdout, stderr } = await context.processes.run({
    program: "ssh-keygen",
    args,
    input,
    terminal,
    // A token waits for its touch also where nobody is asked for anything.
    timeout,
    ...(await answerOf(context)),
  });
  if (code === 0) return { stdout };
  const said = stderr.trim().split("\n").at(-1)!.trim();
  throw new NixsealError("tool", `ssh-keygen failed${said === "" ? "" : `: ${said}`}`, {
    hint: "for a key with a passphrase run this in a terminal, give --passphrase-fd, or add the key to ssh-agent with ssh-add",
  });
}

function asksPerson({ streams, askpass }: Pick<Signing, "streams" | "askpass">): boolean {
  return askpass === null && streams.stdinIsTerminal;
}

/**
 * ssh-keygen takes a passphrase from a terminal or from the program that SSH_ASKPASS names, and by an argument (`-P`),
 * where every user of the machine could read it. So the program gets it through a pipe that only ssh-keygen's children have.
 */
async function answerOf({
  askpass,
  passphrase,
}: Pick<Signing, "passphrase" | "askpass">): Promise<Partial<Command>> {
  if (askpass === null) return {};
  const secret = await passphrase("passphrase of the key: ");
  return {
    env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" },
    descriptor3: secret.reveal(),
  };
}

/** The messages go through files, so that stdin stays the terminal that passphrases are typed on. */
async function signFiles(
  context: Signing,
  args: readonly string[],
  messages: readonly Message[],
): Promise<Uint8Array[]> {
  const { files, emit } = context;
  if (asksPerson(context))
    emit({
      type: "step",
      message: `ssh-keygen signs with ${args[3]}; it may ask for a passphrase or a touch`,
    });
  const directory = await files.privateDirectory();
  try {
    const names = messages.map((_, index) => `${directory}/message${index}`);
    for (const [index, name] of names.entries())
      await files.create(name, messages[index]!.payload, { mode: 0o600 });
    await runKeygen(context, [...args, ...names], undefined, patience * messages.length);
    const signatures: Uint8Array[] = [];
    for (const name of names) signatures.push(await files.read(`${name}.sig`, { limit: largestSignature }));
    return signatures;
  } finally {
    await files.removeTree(directory);
  }
}
