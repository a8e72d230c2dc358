/**
 * What this machine has accepted before, so that nobody can take it back: the newest root, the newest revocation
 * list, and the latest time in either. It lies outside the repository, which is what somebody may roll back.
 */
import { base64, fromBase64, utf8 } from "../../core/bytes.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { NixsealError } from "../../core/errors.ts";
import { nullable, object, text } from "../../core/shape.ts";
import { asMalformed, encodeRoot, formatTime, parseJson, parseRoot, rootLimits, type Root } from "./root.ts";

export interface Seen {
  readonly root: Root | null;
  readonly krl: SeenKrl | null;
  /** The latest time in anything that was accepted: `effectiveTime` never goes behind it. */
  readonly time: Date | null;
}

export interface SeenKrl {
  readonly version: bigint;
  /** sha256 of the file, hex: another list under the same version is another list. */
  readonly digest: string;
}

export const nothingSeen: Seen = { root: null, krl: null, time: null };
export const seenLimit = 2 * rootLimits.payload;

const shape = object({
  krl: nullable(
    object({
      digest: text((given) => /^[0-9a-f]{64}$/.test(given), "a digest"),
      version: text((given) => /^(?:0|[1-9][0-9]{0,19})$/.test(given), "a version"),
    }),
  ),
  root: nullable(text(() => true, "base64")),
  time: nullable(text((given) => !Number.isNaN(new Date(given).getTime()), "a time")),
});

/** `malformed` when it is damaged: what cannot be read must not count as nothing seen. */
export function parseSeen(bytes: Uint8Array): Seen {
  return readSeen(parseJson(bytes, "the memory"));
}

/** The same of what `seenDocument` gives. */
export function readSeen(document: unknown): Seen {
  const { krl, root, time } = asMalformed(() => shape(document, "memory"));
  const payload = root === null ? null : fromBase64(root);
  if (root !== null && payload === null)
    throw new NixsealError("malformed", "the memory's root is not base64");
  return {
    krl: krl === null ? null : { digest: krl.digest, version: BigInt(krl.version) },
    root: payload === null ? null : parseRoot(payload),
    time: time === null ? null : new Date(time),
  };
}

export function formatSeen(seen: Seen): Uint8Array {
  return utf8(`${canonicalJson(seenDocument(seen))}\n`);
}

export function seenDocument({ krl, root, time }: Seen): Json {
  return {
    krl: krl === null ? null : { digest: krl.digest, version: String(krl.version) },
    root: root === null ? null : base64(encodeRoot(root)),
    time: time === null ? null : formatTime(time),
  };
}

/** The later of everything: two runs that end in the wrong order must not make anyone forget. */
export function latest(one: Seen, other: Seen): Seen {
  return {
    root: (one.root?.version ?? 0) >= (other.root?.version ?? 0) ? one.root : other.root,
    krl: (one.krl?.version ?? -1n) >= (other.krl?.version ?? -1n) ? one.krl : other.krl,
    time: (one.time ?? 0) >= (other.time ?? 0) ? one.time : other.time,
  };
}
