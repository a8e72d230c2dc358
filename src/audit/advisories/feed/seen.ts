/** What this machine has accepted of a feed, so that nobody can take it back. */
import { base64, fromBase64, sameBytes, utf8, utf8Text } from "../../../core/bytes.ts";
import { canonicalJson, type Json } from "../../../core/canonical-json.ts";
import { NixsealError } from "../../../core/errors.ts";
import { Field } from "../../../nix/json-fields.ts";
import { advisoryId, items, time } from "../fields.ts";
import type { SeenVersions } from "./decide.ts";
import {
  encodeMetadata,
  feedLimits,
  formatTime,
  parseMetadata,
  type FeedRoot,
  type LayerFile,
} from "./metadata.ts";

export interface Seen {
  readonly root: FeedRoot;
  readonly versions: SeenVersions;
  /** The latest time in anything that was accepted. */
  readonly time: Date | null;
  /** The first moment at which something of it is out of date; null before the first update. */
  readonly expires: Date | null;
  readonly layers: readonly LayerFile[];
  readonly critical: readonly string[];
}

export const seenLimit = 4 << 20;

/** `malformed` when it is damaged: what cannot be read must not count as nothing seen. */
export function parseSeen(bytes: Uint8Array): Seen {
  const top = Field.parse(utf8Text(bytes, "memory of the feed"), "memory of the feed");
  const payload = fromBase64(top.get("root").string());
  if (payload === null) throw top.get("root").wrong("base64");
  const moment = (field: Field): Date | null => (field.isNull ? null : new Date(time(field)));
  const seen: Seen = {
    root: parseMetadata("root", payload),
    versions: Object.fromEntries(
      top
        .get("versions")
        .entries()
        .map(([role, field]) => [
          role,
          { version: field.get("version").count(), digest: field.get("digest").string() },
        ]),
    ),
    time: moment(top.get("time")),
    expires: moment(top.get("expires")),
    layers: items(top.get("layers"), feedLimits.layers).map((layer) => ({
      digest: layer.get("digest").parsed(plainDigest),
      length: layer.get("length").count(),
    })),
    critical: items(top.get("critical"), feedLimits.critical).map(advisoryId),
  };
  if (!sameBytes(formatSeen(seen), bytes)) throw top.wrong("what nixseal wrote");
  return seen;
}

export function formatSeen({ root, versions, time: floor, expires, layers, critical }: Seen): Uint8Array {
  const value: Json = {
    root: base64(encodeMetadata(root)),
    versions: Object.fromEntries(
      Object.entries(versions).map(([role, { version, digest }]) => [role, { version, digest }]),
    ),
    time: floor === null ? null : formatTime(floor),
    expires: expires === null ? null : formatTime(expires),
    layers: layers.map(({ digest, length }) => ({ digest, length })),
    critical,
  };
  return utf8(`${canonicalJson(value)}\n`);
}

/** It becomes a file name. */
function plainDigest(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new NixsealError("malformed", "expected a SHA-256 in hex");
}
