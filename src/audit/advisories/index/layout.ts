/**
 * The index: one file that is read whole and searched in place, without parsing it. Little-endian 32-bit words.
 *
 * A magic of 16 bytes, then for every section its offset and its length in bytes, then the sections, each at a multiple
 * of four. Strings are interned: everything else holds their numbers, and number 0 is the empty string.
 */
import type { ProductKind, VersionRange, VersionStatus, VersionType } from "../advisory.ts";

export const magic = "nixseal-index-1\n";

/** In the order of the file. */
export const sections = [
  /** words: the end of every string in `text` */
  "strings",
  /** UTF-8 */
  "text",
  /** words: strings that are the keys of products, sorted bytewise */
  "keys",
  /** words: the first row of every key, and the number of rows */
  "starts",
  /** `rowWords` words a row, those of one product together and in order */
  "rows",
  /** three words: vendor, target, reason */
  "qualifiers",
  /** `advisoryWords` words an advisory, sorted bytewise by id */
  "advisories",
  /** JSON of what few advisories have (`TeamFields`) */
  "extras",
  /** 7 words a revision: 20 bytes of hash, channel, ordinal; sorted */
  "revisions",
] as const;
export type Section = (typeof sections)[number];

export const headerBytes = magic.length + sections.length * 8;

/** advisory, qualifier, from, to, flags */
export const rowWords = 5;
/** id, aliases, summary, published, scores, exploited, offset and length in `extras` */
export const advisoryWords = 8;
export const qualifierWords = 3;
export const revisionWords = 7;

/** Four times of what is known today. */
export const indexLimits = { bytes: 512 << 20, advisories: 2 << 20, rows: 16 << 20 } as const;

const statuses: readonly VersionStatus[] = ["affected", "unaffected", "unknown"];
const ends: readonly VersionRange["end"][] = ["before", "through", "prefix"];
const types: readonly VersionType[] = ["custom", "semver", "git", "nix"];

/** What of a row is no string. `first` begins a product. */
export interface RowFlags {
  readonly status: VersionStatus;
  readonly end: VersionRange["end"];
  readonly type: VersionType;
  readonly fromExclusive: boolean;
  readonly first: boolean;
}

export function packFlags(flags: RowFlags): number {
  return (
    statuses.indexOf(flags.status) |
    (ends.indexOf(flags.end) << 2) |
    (types.indexOf(flags.type) << 4) |
    (flags.fromExclusive ? 0x40 : 0) |
    (flags.first ? 0x80 : 0)
  );
}

/** What `packFlags` wrote, by its number: a table, because a closure asks for a million rows. Null for what it never writes. */
export const unpackedFlags: readonly (RowFlags | null)[] = Array.from({ length: 256 }, (_, word) => {
  const status = statuses[word & 3];
  const end = ends[(word >> 2) & 3];
  const type = types[(word >> 4) & 3];
  if (status === undefined || end === undefined || type === undefined) return null;
  return { status, end, type, fromExclusive: (word & 0x40) !== 0, first: (word & 0x80) !== 0 };
});

/** The key under which a product's rows stand. */
export function productKey(kind: ProductKind, name: string): string {
  return `${kind}:${name}`;
}
