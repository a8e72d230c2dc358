/**
 * The curves of RFC 5656 that OpenSSH uses: their names in JWK and OpenSSL, the bytes of
 * one coordinate, and the hash that ECDSA takes on them (section 6.2.1).
 */
export const curves = {
  nistp256: { jwk: "P-256", openssl: "prime256v1", size: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", openssl: "secp384r1", size: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", openssl: "secp521r1", size: 66, hash: "sha512" },
} as const;

export type Curve = keyof typeof curves;
