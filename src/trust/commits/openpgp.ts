/** OpenPGP signatures by pinned keys, RFC 9580, decided with the `openpgp` package. */
import type { Config, Key, SignaturePacket } from "openpgp";
import { hex } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { parseSignatureArmor, type NumberLengths } from "./openpgp-armor.ts";
import { refuse, type CommitDecision, type CommitRefusal, type CommitRefusalCode } from "./refusal.ts";

type Library = typeof import("openpgp");

/** An armored block of public keys, and where it stands. */
export interface KeyBlock {
  readonly armored: string;
  /** In the file, from 1. */
  readonly line?: number;
  /** Whose keys they are; left out where the key's own first user id names its owner. */
  readonly principal?: string;
}

interface PinnedKey {
  readonly key: Key;
  readonly principal: string;
}

/** Public keys, read once. No key server, no web of trust, no keyring: who is in here may sign. */
export class OpenPgpKeys {
  readonly #library: Library;
  readonly #config: Config;
  readonly #keys: readonly PinnedKey[];

  private constructor(library: Library, keys: readonly PinnedKey[]) {
    this.#library = library;
    this.#config = strictConfig(library);
    this.#keys = keys;
  }

  /** `malformed` with the line of a block that cannot be read. The library takes a tenth of a second to load. */
  static async read(blocks: readonly KeyBlock[]): Promise<OpenPgpKeys> {
    const library = await import("openpgp");
    const config = strictConfig(library);
    const keys: PinnedKey[] = [];
    for (const { armored, line, principal } of blocks) {
      try {
        for (const key of await library.readKeys({ armoredKeys: armored, config }))
          keys.push({ key, principal: principal ?? key.getUserIDs()[0] ?? key.getFingerprint() });
      } catch (cause) {
        throw new NixsealError("malformed", "OpenPGP key block cannot be read", { where: { line }, cause });
      }
    }
    return new OpenPgpKeys(library, keys);
  }

  /** Who signs with which key, in hex. */
  get owners(): readonly { readonly principal: string; readonly key: string }[] {
    return this.#keys.map(({ principal, key }) => ({ principal, key: key.getFingerprint() }));
  }

  /** Of every key, in hex: one key has one owner. */
  get fingerprints(): readonly string[] {
    return this.#keys.map(({ key }) => key.getFingerprint());
  }

  /**
   * Whether one of the keys, good at `now`, signed `payload`. The key's state when the signature says that it was
   * made does not matter: whoever has an expired or revoked key can write any date. Faults of the armor are `malformed`.
   */
  async decide(
    payload: Uint8Array,
    armored: string,
    now: Date,
    numbers: NumberLengths = "exact",
  ): Promise<CommitDecision> {
    const binarySignature = parseSignatureArmor(armored, numbers);
    const signature = await this.#library
      .readSignature({ binarySignature, config: this.#config })
      .catch(() => null);
    const packet = signature?.packets[0];
    if (signature === null || packet === undefined || signature.packets.length !== 1) {
      return refuse("malformed-signature", "the OpenPGP signature cannot be read");
    }
    const fault = this.#checkPacket(packet);
    if (fault !== null) return fault;

    const candidates = this.#keys.filter(({ key }) => key.getKeys(packet.issuerKeyID).length > 0);
    let no = refuse("unknown-signer", `no OpenPGP key ${packet.issuerKeyID.toHex()} among the signers`);
    for (const { key, principal } of candidates) {
      const weak = await this.#checkKey(key, packet, now);
      if (weak !== null) {
        no = weak;
        continue;
      }
      const message = await this.#library.createMessage({ binary: payload });
      const { signatures } = await this.#library.verify({
        message,
        signature,
        verificationKeys: key,
        date: now,
        config: this.#config,
      });
      const fits = await signatures[0]?.verified.catch(() => false);
      if (fits === true && signatures.length === 1) {
        return { accepted: true, principal, key: key.getFingerprint(), rights: null };
      }
      no = refuse("bad-signature", "the signature does not fit the commit and the key");
    }
    return no;
  }

  #checkPacket(packet: SignaturePacket): CommitRefusal | null {
    const { hash, publicKey, signature } = this.#library.enums;
    if (packet.version !== 4 && packet.version !== 6) {
      return refuse("algorithm", `OpenPGP signatures of version ${packet.version} are not accepted`);
    }
    // A text signature holds for every spelling of line ends: a commit with another id would verify.
    if (packet.signatureType !== signature.binary) {
      return refuse("malformed-signature", "the OpenPGP signature is not one over binary data");
    }
    const hashes: (number | null)[] = [hash.sha256, hash.sha384, hash.sha512, hash.sha3_256, hash.sha3_512];
    if (!hashes.includes(packet.hashAlgorithm)) {
      return refuse("algorithm", `hash algorithm ${packet.hashAlgorithm} of OpenPGP is not accepted`);
    }
    if (packet.publicKeyAlgorithm === publicKey.dsa) return refuse("algorithm", "DSA is not accepted");
    return null;
  }

  async #checkKey(key: Key, packet: SignaturePacket, now: Date): Promise<CommitRefusal | null> {
    const name = key.getFingerprint();
    const [signing] = key.getKeys(packet.issuerKeyID);
    // The key need not sign this, so it must at least be true.
    const { issuerFingerprint } = packet;
    if (issuerFingerprint !== null && hex(issuerFingerprint) !== signing?.getFingerprint())
      return refuse("malformed-signature", "the OpenPGP signature names a key that did not make it");
    const subkey = key.subkeys.find((one) => one.getKeyID().equals(packet.issuerKeyID));
    // Not verified first: a revocation that can't be (SHA-1, a revoker we lack) stands in the verifier's own file.
    const revocations = [...key.revocationSignatures, ...(subkey?.revocationSignatures ?? [])];
    if (revocations.length > 0) return refuse("revoked", `OpenPGP key ${name} is revoked`);
    const end = await key.getExpirationTime().catch(() => null);
    if (end instanceof Date && end <= now) return refuse("expired", `OpenPGP key ${name} has expired`);
    try {
      await key.getSigningKey(packet.issuerKeyID, now, undefined, this.#config);
      return null;
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 200) : "no reason given";
      return refuse(codeOf(reason), `OpenPGP key ${name} may not sign: ${reason}`);
    }
  }
}

/** The library has no codes. Whatever is not recognised is a refusal all the same. */
function codeOf(reason: string): CommitRefusalCode {
  if (/expired/i.test(reason)) return "expired";
  if (/too weak|support for/i.test(reason)) return "weak-key";
  if (/hash algorithm/i.test(reason)) return "algorithm";
  return "unknown-signer";
}

/** Everything that is weak, also in what binds a key to its parts. */
function strictConfig({ config, enums }: Library): Config {
  const hashes = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd]);
  return {
    ...config,
    rejectHashAlgorithms: hashes,
    rejectMessageHashAlgorithms: hashes,
    rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal, enums.publicKey.dsa]),
    rejectCurves: new Set([enums.curve.secp256k1]),
    minRSABits: 2047,
    allowInsecureVerificationWithReformattedKeys: false,
  };
}
