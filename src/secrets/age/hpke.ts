/** As much of HPKE (RFC 9180) as age's newer recipient types use: base mode, HKDF-SHA-256, ChaCha20-Poly1305, one message. */
import { concat, utf8 } from "../../core/bytes.ts";
import { expand, extract } from "./hkdf.ts";

/** KEM identifiers: RFC 9180 section 7.1 and draft-ietf-hpke-pq. */
export const kems = { dhP256: 0x0010, mlkem768P256: 0x0050, mlkem768X25519: 0x647a } as const;
export type Kem = (typeof kems)[keyof typeof kems];

const kdfHkdfSha256 = 0x0001;
const aeadChaCha20Poly1305 = 0x0003;
const empty = new Uint8Array();

/** The key schedule, section 5.1, for the first and only message. */
export function hpkeKeys(
  kem: Kem,
  sharedSecret: Uint8Array,
  info: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array } {
  const suite = concat(utf8("HPKE"), u16(kem), u16(kdfHkdfSha256), u16(aeadChaCha20Poly1305));
  const modeBase = Uint8Array.of(0);
  const context = concat(
    modeBase,
    labeledExtract(suite, empty, "psk_id_hash", empty),
    labeledExtract(suite, empty, "info_hash", info),
  );
  const secret = labeledExtract(suite, sharedSecret, "secret", empty);
  return {
    key: labeledExpand(suite, secret, "key", context, 32),
    nonce: labeledExpand(suite, secret, "base_nonce", context, 12),
  };
}

/** ExtractAndExpand of DHKEM, section 4.1. */
export function dhKemSecret(kem: Kem, shared: Uint8Array, context: Uint8Array): Uint8Array {
  const suite = concat(utf8("KEM"), u16(kem));
  return labeledExpand(suite, labeledExtract(suite, empty, "eae_prk", shared), "shared_secret", context, 32);
}

/** Section 4: LabeledExtract(salt, label, ikm). */
function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(salt, concat(utf8("HPKE-v1"), suite, utf8(label), ikm));
}

/** Section 4: LabeledExpand, for lengths of up to one block of the hash. */
function labeledExpand(
  suite: Uint8Array,
  key: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const labeled = concat(u16(length), utf8("HPKE-v1"), suite, utf8(label), info);
  return expand(key, labeled).subarray(0, length);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
