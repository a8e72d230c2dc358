/** Identity files, as `age -i` takes them. */
import { utf8Text } from "../../core/bytes.ts";
import { at, NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import { isArmored } from "./armor.ts";
import { decryptBytes } from "./decrypt.ts";
import { version } from "./header.ts";
import type { KeyIdentity } from "./identity.ts";
import { limits } from "./limits.ts";
import { parseIdentity, type IdentityContext } from "./parse-identity.ts";
import type { Recipient } from "./recipient.ts";
import { ScryptIdentity } from "./scrypt.ts";
import { parseSshIdentity } from "./ssh-identity.ts";
import type { Stanza } from "./stanza.ts";

/**
 * The identities in a file: an SSH private key, a file that `age -p` encrypted, or one identity a line between
 * comments (`#`) and empty lines. `what` is the file's name, for questions and errors, which never repeat a line.
 */
export function parseIdentityFile(file: Uint8Array, what: string, context: IdentityContext): KeyIdentity[] {
  if (file.length > limits.keyFile)
    throw new NixsealError("limit", `identity file is larger than ${limits.keyFile} bytes`, {
      where: { file: what },
    });
  const start = Buffer.from(file.subarray(0, 256)).toString("latin1").trimStart();
  const encrypted = start.startsWith(`${version}\n`) || start.startsWith("-----BEGIN AGE ENCRYPTED FILE");
  if (encrypted) return [new LockedIdentityFile(file, what, context)];
  try {
    if (isArmored(file) === true) return [parseSshIdentity(file, what, context)];
    return parseLines(utf8Text(file, "identity file"), context);
  } catch (error) {
    throw at(error, { file: what });
  }
}

function parseLines(text: string, context: IdentityContext): KeyIdentity[] {
  const identities: KeyIdentity[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    try {
      identities.push(parseIdentity(line, context));
    } catch (error) {
      throw at(error, { line: index + 1 });
    }
  }
  if (identities.length === 0)
    throw new NixsealError("malformed", "no identity in the file", {
      hint: "an identity is a line AGE-SECRET-KEY-1… or an SSH private key",
    });
  return identities;
}

/** An identity file that is itself an age file behind a passphrase. Asked for once, at its first use. */
class LockedIdentityFile implements KeyIdentity {
  readonly #file: Uint8Array;
  readonly #what: string;
  readonly #context: IdentityContext;
  #opened: Promise<KeyIdentity[]> | undefined;

  constructor(file: Uint8Array, what: string, context: IdentityContext) {
    this.#file = file;
    this.#what = what;
    this.#context = context;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    for (const identity of await this.#open()) {
      const fileKey = await identity.unwrapFileKey(stanzas);
      if (fileKey !== null) return fileKey;
    }
    return null;
  }

  async recipients(random: Random): Promise<Recipient[]> {
    const recipients: Recipient[] = [];
    for (const identity of await this.#open()) recipients.push(...(await identity.recipients(random)));
    return recipients;
  }

  #open(): Promise<KeyIdentity[]> {
    this.#opened ??= this.#decrypt();
    return this.#opened;
  }

  async #decrypt(): Promise<KeyIdentity[]> {
    const { passphrase } = this.#context;
    const scrypt = new ScryptIdentity(() => {
      if (passphrase === undefined)
        throw new NixsealError("refused", `${this.#what} is behind a passphrase, and there is nobody to ask`);
      return passphrase(`Passphrase for ${this.#what}: `);
    });
    try {
      const plaintext = await decryptBytes(this.#file, [scrypt]);
      const identities = parseLines(utf8Text(plaintext.reveal(), "identity file"), this.#context);
      plaintext.wipe();
      return identities;
    } catch (error) {
      throw at(error, { file: this.#what });
    }
  }
}
