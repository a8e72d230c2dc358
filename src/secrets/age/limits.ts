/** What is accepted from outside, in one place. Honest files stay far below. */
export const limits = {
  /** Bytes of a file's header: 8,192 X25519 recipients take 1.3 MiB, post-quantum ones 13 MiB. */
  header: 16 << 20,
  stanzas: 8192,
  /** Arguments on a stanza's first line, and bytes of that line (a post-quantum share has 1.5 KiB). */
  arguments: 64,
  argumentLine: 16 << 10,
  /** Bytes of a plaintext that is held in memory; larger ones go through the streams. */
  plaintext: 64 << 20,
  /** log2 of scrypt's N: 22 takes 4 GiB and some ten seconds. age accepts the same. */
  scryptWorkFactor: 22,
  /** Blank bytes before and after armor, as age. */
  armorWhitespace: 1024,
  /** Bytes of an identity or recipient file. */
  keyFile: 16 << 20,
  /** Characters of one line in such a file: a post-quantum recipient has some 2,000. */
  keyLine: 32 << 10,
} as const;
