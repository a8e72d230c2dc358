import { readFileSync } from "node:fs";

/**
 * What a disk was told, in order: the log of qemu's blklogwrites, in the format of Linux's dm-log-writes. A disk may keep a
 * write in its memory until it is told to flush, so that a power cut leaves more pictures than one at each moment.
 */
export interface LoggedWrite {
  /** Bytes from the start of the disk. */
  readonly offset: number;
  /** Empty for a flush alone. */
  readonly data: Uint8Array;
  /** All writes before this one are on the medium when it is done. */
  readonly flush: boolean;
  /** So is this one itself (force unit access). */
  readonly durable: boolean;
}

const sector = 512;
const flags = { flush: 1n, durable: 2n, discard: 4n };

/** Every entry that is in the log as a whole. Entries begin after the superblock; each is a header of one sector, then its data. */
export function readWriteLog(file: string): LoggedWrite[] {
  const bytes = readFileSync(file);
  const entries: LoggedWrite[] = [];
  for (let at = sector; at + sector <= bytes.length;) {
    const [start, count, flag] = [0, 8, 16].map((field) => bytes.readBigUInt64LE(at + field)) as [
      bigint,
      bigint,
      bigint,
    ];
    const size = (flag & flags.discard) === 0n ? Number(count) * sector : 0;
    if (at + sector + size > bytes.length) break;
    entries.push({
      offset: Number(start) * sector,
      data: bytes.subarray(at + sector, at + sector + size),
      flush: (flag & flags.flush) !== 0n,
      durable: (flag & flags.durable) !== 0n,
    });
    at += sector + size;
  }
  return entries;
}

/** Which of the writes in the disk's memory are there after the cut. */
export type Survives = (entry: LoggedWrite) => boolean;

/**
 * The disk when the power fails after the first `count` entries: what was flushed or durable by itself is there, the rest as
 * `survives` says.
 */
export function diskAfter(
  before: Uint8Array,
  log: readonly LoggedWrite[],
  count: number,
  survives: Survives,
): Uint8Array {
  const disk = Uint8Array.from(before);
  const done = log.slice(0, count);
  const flushed = done.findLastIndex(({ flush }) => flush);
  for (const [index, entry] of done.entries())
    if (index < flushed || entry.durable || survives(entry)) disk.set(entry.data, entry.offset);
  return disk;
}
