/** What one connection may cost. Everything that comes from the other side is held against one of these. */
export interface ProtocolLimits {
  /** Paths in one list, and paths in one upload. */
  readonly paths: number;
  /** Bytes of one NAR. */
  readonly narSize: number;
  /** Bytes that are read and thrown away after a refusal, so that a client that is still sending hears why. */
  readonly drain: number;
  /** Milliseconds without a single byte from or to the other side. */
  readonly idle: number;
  /** Milliseconds of waiting for the other side in all: one byte a minute is no way to stay for ever. */
  readonly waiting: number;
}

/** A NixOS closure has 2,000 to 10,000 paths; the largest NARs of nixpkgs (CUDA, TeX Live) are under 16 GiB. */
export const defaultProtocolLimits: ProtocolLimits = {
  paths: 100_000,
  narSize: 64 * 2 ** 30,
  drain: 64 << 20,
  idle: 60_000,
  waiting: 4 * 3600_000,
};

/** As `maxSignatures` of a narinfo. */
export const maxSignatures = 1000;
