/** What a warrant may be at most. A large desktop system has some 10,000 paths and 6 MB of payload. */
export const warrantLimits = {
  /** Bytes of the signed JSON. */
  payload: 16 << 20,
  /** Bytes of the envelope: the payload as base64, and the signatures. */
  file: 24 << 20,
  paths: 50_000,
  /** Of all paths together. */
  references: 500_000,
  signatures: 64,
  /** Characters of one armored signature. */
  signature: 64 << 10,
  /** Orders that a host may have missed and be told of at once. */
  between: 1024,
} as const;
