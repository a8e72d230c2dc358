/** The recipient type `scrypt`: a passphrase (age v1 specification, "The scrypt recipient type"). */
import { scrypt } from "node:crypto";
import { base64Unpadded, concat, fromBase64, utf8 } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import type { Random } from "../../core/ports.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import { openFileKey, sealFileKey } from "./file-key.ts";
import type { Identity } from "./identity.ts";
import { limits } from "./limits.ts";
import type { Recipient } from "./recipient.ts";
import type { Stanza } from "./stanza.ts";

export const scryptType = "scrypt";
const label = utf8("age-encryption.org/v1/scrypt");
const saltSize = 16;
/** As age: about a second on a small machine. */
const defaultWorkFactor = 18;

export class ScryptRecipient implements Recipient {
  readonly #passphrase: SecretValue;
  readonly #random: Random;
  readonly #workFactor: number;

  constructor(passphrase: SecretValue, random: Random, workFactor = defaultWorkFactor) {
    if (passphrase.reveal().length === 0) throw new NixsealError("usage", "the passphrase is empty");
    this.#passphrase = passphrase;
    this.#random = random;
    this.#workFactor = workFactor;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = this.#random.bytes(saltSize);
    const wrappingKey = await stretch(this.#passphrase, salt, this.#workFactor);
    const args = [scryptType, base64Unpadded(salt), String(this.#workFactor)];
    return [{ args, body: sealFileKey(fileKey, wrappingKey) }];
  }
}

/** Asks for the passphrase only when a file has a stanza for one. */
export class ScryptIdentity implements Identity {
  readonly #passphrase: () => SecretValue | Promise<SecretValue>;

  constructor(passphrase: () => SecretValue | Promise<SecretValue>) {
    this.#passphrase = passphrase;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find((candidate) => candidate.args[0] === scryptType);
    if (stanza === undefined) return null;
    requireAlone(stanzas);
    const { salt, workFactor } = readArguments(stanza);
    const wrappingKey = await stretch(await this.#passphrase(), salt, workFactor);
    return openFileKey(stanza.body, wrappingKey);
  }
}

/**
 * A passphrase stanza stands alone. It says who made the file, as far as whoever knows the passphrase; beside
 * another stanza that would be wrong: that stanza's owner could have made the file as well.
 */
export function requireAlone(stanzas: readonly Stanza[]): void {
  if (stanzas.length > 1 && stanzas.some((stanza) => stanza.args[0] === scryptType))
    throw new NixsealError("malformed", "a passphrase stanza is not the only one of its file");
}

function readArguments(stanza: Stanza): { salt: Uint8Array; workFactor: number } {
  const [, saltText, workFactorText] = stanza.args;
  const salt = fromBase64(saltText ?? "", "unpadded");
  const decimal = /^[1-9][0-9]{0,3}$/.test(workFactorText ?? "");
  if (stanza.args.length !== 3 || salt?.length !== saltSize || !decimal)
    throw new NixsealError("malformed", "passphrase stanza does not hold a salt and a work factor");
  const workFactor = Number(workFactorText);
  // The file's author chooses it: without a bound any file could keep us busy for a day.
  if (workFactor > limits.scryptWorkFactor)
    throw new NixsealError("limit", `passphrase stanza has work factor 2^${workFactor}`, {
      hint: `2^${limits.scryptWorkFactor} is the most that is accepted`,
    });
  return { salt, workFactor };
}

function stretch(passphrase: SecretValue, salt: Uint8Array, workFactor: number): Promise<Uint8Array> {
  const N = 2 ** workFactor;
  const r = 8;
  return new Promise((resolve, reject) => {
    scrypt(
      passphrase.reveal(),
      concat(label, salt),
      32,
      { N, r, p: 1, maxmem: 129 * N * r + 65536 },
      (cause, key) => {
        if (cause === null) resolve(new Uint8Array(key));
        else reject(new NixsealError("io", "not enough memory for the passphrase's work factor", { cause }));
      },
    );
  });
}
