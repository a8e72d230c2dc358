/** OpenSSH certificates, PROTOCOL.certkeys (v01): reading them. Whether to believe one is check-certificate.ts. */
import { NixsealError } from "../core/errors.ts";
import { splitKeyLine } from "./public-key-line.ts";
import { keyTypes, parsePublicKey, readKeyFields, type KeyType, type PublicKey } from "./public-key.ts";
import { WireReader } from "./wire.ts";

/** A critical option or an extension. */
export interface CertificateOption {
  readonly name: string;
  /** As on the wire: empty for a flag, else usually one nested string (see `optionText`). */
  readonly data: Uint8Array;
}

export interface Certificate {
  readonly type: "certificate";
  /** `ssh-ed25519-cert-v01@openssh.com` and its like. */
  readonly certificateType: string;
  readonly blob: Uint8Array;
  /** The key that is certified. */
  readonly key: PublicKey;
  readonly serial: bigint;
  readonly kind: "user" | "host";
  readonly keyId: string;
  /** Empty means "anyone" in OpenSSH's words, which we never take for a name. */
  readonly principals: readonly string[];
  /** Seconds since 1970, inclusive. */
  readonly validAfter: bigint;
  /** Seconds since 1970, exclusive; 2^64-1 means for ever. */
  readonly validBefore: bigint;
  readonly criticalOptions: readonly CertificateOption[];
  readonly extensions: readonly CertificateOption[];
  readonly caKey: PublicKey;
  /** The CA's SSH signature over `signedPart`. */
  readonly signature: Uint8Array;
  readonly signedPart: Uint8Array;
}

const suffix = "-cert-v01@openssh.com";
const maximumBlob = 64 << 10;
const maximumPrincipals = 256; // as OpenSSH
const maximumOptions = 256;

/** Does not check the CA's signature. `refused` for unknown types, `malformed` or `limit` for broken blobs. */
export function parseCertificate(blob: Uint8Array): Certificate {
  if (blob.length > maximumBlob) throw new NixsealError("limit", `certificate has ${blob.length} bytes`);
  const reader = new WireReader(blob, "certificate");
  const certificateType = reader.text();
  const keyType = certifiedType(certificateType);
  reader.string(); // nonce: there so that a CA never signs what an attacker chose entirely
  const key = readKeyFields(keyType, reader);
  const serial = reader.u64();
  const kind = readKind(reader.u32());
  const keyId = reader.text();
  const principals = readList(reader.nested("principals of a certificate"), maximumPrincipals, (list) =>
    list.text(),
  );
  const validAfter = reader.u64();
  const validBefore = reader.u64();
  const criticalOptions = readOptions(reader.nested("critical options of a certificate"));
  const extensions = readOptions(reader.nested("extensions of a certificate"));
  if (reader.string().length > 0) throw new NixsealError("malformed", "certificate uses its reserved field");
  const caKey = parsePublicKey(reader.string()); // a plain key: a certificate cannot sign certificates
  const signedPart = blob.subarray(0, reader.offset);
  const signature = reader.string();
  reader.end();
  return {
    type: "certificate",
    certificateType,
    blob,
    key,
    serial,
    kind,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    caKey,
    signature,
    signedPart,
  };
}

/** The line of a `-cert.pub` file. */
export function parseCertificateLine(line: string): { certificate: Certificate; comment: string } {
  const { type, blob, comment } = splitKeyLine(line);
  certifiedType(type);
  const certificate = parseCertificate(blob);
  if (certificate.certificateType !== type) {
    throw new NixsealError(
      "malformed",
      `certificate says '${type}' but holds '${certificate.certificateType}'`,
    );
  }
  return { certificate, comment };
}

/** The text of an option that has one; the empty string for a flag. */
export function optionText(option: CertificateOption): string {
  if (option.data.length === 0) return "";
  const reader = new WireReader(option.data, `certificate option ${option.name}`);
  const text = reader.text();
  reader.end();
  return text;
}

/** A certificate's type is its key's type and the suffix; the domain of sk types is in the suffix already. */
function certifiedType(type: string): KeyType {
  const known = keyTypes.find((name) => `${name.replace("@openssh.com", "")}${suffix}` === type);
  if (known !== undefined) return known;
  throw new NixsealError("refused", `certificate type '${type.slice(0, 64)}' is not accepted`);
}

function readKind(value: number): "user" | "host" {
  if (value === 1) return "user";
  if (value === 2) return "host";
  throw new NixsealError("malformed", `certificate is of kind ${value}, neither user nor host`);
}

function readOptions(list: WireReader): CertificateOption[] {
  const options = readList(list, maximumOptions, (item) => ({ name: item.text(), data: item.string() }));
  // "Options must be lexically ordered by name … may only appear once": else two readers see two certificates.
  for (let i = 1; i < options.length; i++) {
    if (options[i]!.name <= options[i - 1]!.name) {
      throw new NixsealError("malformed", "certificate has options that are repeated or out of order");
    }
  }
  return options;
}

function readList<T>(list: WireReader, maximum: number, read: (list: WireReader) => T): T[] {
  const items: T[] = [];
  while (list.remaining > 0) {
    if (items.length === maximum)
      throw new NixsealError("limit", `certificate has more than ${maximum} items`);
    items.push(read(list));
  }
  return items;
}
