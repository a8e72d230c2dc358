/** The metadata of a feed: the roles of TUF (specification 1.0.33), as canonical JSON. */
import { createHash } from "node:crypto";
import { hex, sameBytes, utf8, utf8Text } from "../../../core/bytes.ts";
import { canonicalJson, type Json } from "../../../core/canonical-json.ts";
import { NixsealError } from "../../../core/errors.ts";
import { Field } from "../../../nix/json-fields.ts";
import { advisoryId, items, shortText, time } from "../fields.ts";
import { encodeRole, readRole, type Role } from "./role.ts";

export const roleNames = ["critical", "root", "snapshot", "targets", "timestamp"] as const;
export type RoleName = (typeof roleNames)[number];

interface Common {
  /** The feed's own name: metadata of another feed with the same keys is not this one's. */
  readonly feed: string;
  readonly version: number;
  /** From this second on it says nothing any more. */
  readonly expires: Date;
}

export interface FeedRoot extends Common {
  readonly type: "root";
  readonly roles: Readonly<Record<RoleName, Role>>;
}

/** Other metadata, exactly: its version, the length and the SHA-256 of what is signed of it. */
export interface Reference {
  readonly version: number;
  readonly length: number;
  readonly digest: string;
}

export interface Timestamp extends Common {
  readonly type: "timestamp";
  /** When it was made: no clock may be believed that is behind it. */
  readonly issued: Date;
  readonly snapshot: Reference;
}

export interface Snapshot extends Common {
  readonly type: "snapshot";
  readonly targets: Reference;
  readonly critical: Reference;
}

/** An index of advisories, found by its digest. */
export interface LayerFile {
  readonly digest: string;
  readonly length: number;
}

export interface Targets extends Common {
  readonly type: "targets";
  /** The first is the base, each other one lies over those before it. */
  readonly layers: readonly LayerFile[];
}

/** The advisories that a host may act on by itself; more signatures stand behind them. */
export interface Critical extends Common {
  readonly type: "critical";
  readonly advisories: readonly string[];
}

export type Metadata = FeedRoot | Timestamp | Snapshot | Targets | Critical;
interface MetadataByRole {
  readonly root: FeedRoot;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
  readonly critical: Critical;
}
export type MetadataOf<R extends RoleName> = MetadataByRole[R];

export const feedLimits = {
  metadata: 256 << 10,
  layers: 400,
  layer: 512 << 20,
  critical: 2000,
  keys: 32,
  version: 2 ** 31 - 1,
  /** Versions of the root that one update walks through. */
  roots: 1024,
} as const;

/** Exactly the bytes that `encodeMetadata` gives, of this role; otherwise `malformed` or `limit`. */
export function parseMetadata<R extends RoleName>(role: R, bytes: Uint8Array): MetadataOf<R> {
  if (bytes.length > feedLimits.metadata)
    throw new NixsealError("limit", `${role} has more than ${feedLimits.metadata} bytes`);
  const top = Field.parse(utf8Text(bytes, role), role);
  if (top.get("type").value !== role) throw top.get("type").wrong(`"${role}"`);
  const metadata = readers[role](top, {
    feed: shortText(top.get("feed"), 64),
    version: whole(top.get("version"), 1, feedLimits.version),
    expires: date(top.get("expires")),
  });
  // One spelling only: unknown keys, repeated keys and white space are other bytes with the same meaning.
  if (!sameBytes(encodeMetadata(metadata), bytes))
    throw new NixsealError("malformed", `${role} is not canonical JSON, or has keys that nobody reads`);
  return metadata;
}

/** Canonical JSON without a line end: the bytes that are signed. */
export function encodeMetadata(metadata: Metadata): Uint8Array {
  const { type, feed, version, expires } = metadata;
  return utf8(canonicalJson({ type, feed, version, expires: formatTime(expires), ...own(metadata) }));
}

export function referenceTo(metadata: Metadata): Reference {
  const bytes = encodeMetadata(metadata);
  return { version: metadata.version, length: bytes.length, digest: sha256Hex(bytes) };
}

export function sha256Hex(bytes: Uint8Array): string {
  return hex(createHash("sha256").update(bytes).digest());
}

/** RFC 3339 in UTC, to the second. */
export function formatTime(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`;
}

const readers: { readonly [R in RoleName]: (top: Field, common: Common) => MetadataOf<R> } = {
  root: (top, common) => ({ type: "root", ...common, roles: roles(top.get("roles")) }),
  timestamp: (top, common) => ({
    type: "timestamp",
    ...common,
    issued: date(top.get("issued")),
    snapshot: reference(top.get("snapshot")),
  }),
  snapshot: (top, common) => ({
    type: "snapshot",
    ...common,
    targets: reference(top.get("targets")),
    critical: reference(top.get("critical")),
  }),
  targets: (top, common) => ({
    type: "targets",
    ...common,
    layers: items(top.get("layers"), feedLimits.layers).map((layer) => ({
      digest: digest(layer.get("digest")),
      length: whole(layer.get("length"), 1, feedLimits.layer),
    })),
  }),
  critical: (top, common) => ({
    type: "critical",
    ...common,
    advisories: items(top.get("advisories"), feedLimits.critical).map(advisoryId),
  }),
};

function own(metadata: Metadata): Record<string, Json> {
  switch (metadata.type) {
    case "root":
      return { roles: Object.fromEntries(roleNames.map((name) => [name, encodeRole(metadata.roles[name])])) };
    case "timestamp":
      return { issued: formatTime(metadata.issued), snapshot: { ...metadata.snapshot } };
    case "snapshot":
      return { targets: { ...metadata.targets }, critical: { ...metadata.critical } };
    case "targets":
      return { layers: metadata.layers.map((layer) => ({ ...layer })) };
    case "critical":
      return { advisories: metadata.advisories };
    default:
      return metadata satisfies never;
  }
}

function roles(field: Field): Record<RoleName, Role> {
  const read = Object.fromEntries(roleNames.map((name) => [name, readRole(field.get(name))])) as Record<
    RoleName,
    Role
  >;
  // What machines do by themselves must need more hands than what people read.
  if (read.critical.threshold <= read.targets.threshold)
    throw field.get("critical").wrong("a threshold above that of targets");
  return read;
}

function reference(field: Field): Reference {
  return {
    version: whole(field.get("version"), 1, feedLimits.version),
    length: whole(field.get("length"), 1, feedLimits.metadata),
    digest: digest(field.get("digest")),
  };
}

function digest(field: Field): string {
  const text = field.string();
  if (!/^[0-9a-f]{64}$/.test(text)) throw field.wrong("a SHA-256 in hex");
  return text;
}

function date(field: Field): Date {
  if (field.isNull) throw field.wrong("a time");
  return new Date(time(field));
}

function whole(field: Field, least: number, most: number): number {
  const value = field.count();
  if (value < least || value > most) throw field.wrong(`a whole number from ${least} to ${most}`);
  return value;
}
