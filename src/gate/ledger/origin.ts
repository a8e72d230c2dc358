/** Why a store path was let in. */
import type { Json } from "../../core/canonical-json.ts";
import { formatContentAddress, parseContentAddress, type ContentAddress } from "../../nix/content-address.ts";
import type { Field } from "../../nix/json-fields.ts";
import { formatNamed, parseSignature, type Signature } from "../../nix/signing-key.ts";
import { anyStore, parseStorePath, type StorePath } from "../../nix/store-path.ts";

/** A member as a connection or a signature proved them. */
export interface Actor {
  readonly member: string;
  /** As `ssh-keygen -l` prints it. */
  readonly key: string;
  /** Of the certificate; null for a bare key. */
  readonly serial: bigint | null;
}

/** Why the path was let in. `uploader` is who sent the bytes, where that is known: no authority follows from it. */
export type Origin =
  /** Named, with its hash, by a warrant that these members signed. */
  | {
      readonly kind: "warrant";
      /** `payloadDigest` */
      readonly digest: string;
      readonly signers: readonly Actor[];
      readonly uploader: Actor | null;
    }
  /** A binary cache's key that the root names signed the tuple. */
  | { readonly kind: "upstream"; readonly signature: Signature; readonly uploader: Actor | null }
  /** The path follows from its content. That proves integrity, not that anybody wanted it. */
  | { readonly kind: "content-address"; readonly address: ContentAddress; readonly uploader: Actor | null }
  /** Built on this host. */
  | { readonly kind: "build"; readonly derivation: StorePath; readonly inputs: readonly StorePath[] }
  /** Kept in the quarantine, not in the store. */
  | { readonly kind: "quarantine"; readonly uploader: Actor }
  /** Stage 0: a member's certificate for uploads was enough. */
  | { readonly kind: "certificate"; readonly uploader: Actor }
  | { readonly kind: "unknown" };

export function originJson(origin: Origin): Json {
  switch (origin.kind) {
    case "warrant": {
      const { kind, digest, signers, uploader } = origin;
      return { kind, digest, signers: signers.map(actorJson), uploader: optionalActor(uploader) };
    }
    case "upstream":
      return {
        kind: origin.kind,
        signature: formatNamed(origin.signature),
        uploader: optionalActor(origin.uploader),
      };
    case "content-address":
      return {
        kind: origin.kind,
        address: formatContentAddress(origin.address),
        uploader: optionalActor(origin.uploader),
      };
    case "build":
      return { kind: origin.kind, derivation: origin.derivation, inputs: origin.inputs };
    case "quarantine":
    case "certificate":
      return { kind: origin.kind, uploader: actorJson(origin.uploader) };
    case "unknown":
      return { kind: origin.kind };
    default:
      return origin satisfies never;
  }
}

/** `malformed` for what `originJson` never gives. */
export function readOrigin(field: Field): Origin {
  const kind = field.get("kind").string();
  switch (kind) {
    case "warrant":
      return {
        kind,
        digest: digest(field.get("digest")),
        signers: field.get("signers").items().map(readActor),
        uploader: readOptionalActor(field.get("uploader")),
      };
    case "upstream":
      return {
        kind,
        signature: field.get("signature").parsed(parseSignature),
        uploader: readOptionalActor(field.get("uploader")),
      };
    case "content-address":
      return {
        kind,
        address: field.get("address").parsed(parseContentAddress),
        uploader: readOptionalActor(field.get("uploader")),
      };
    case "build":
      return {
        kind,
        derivation: storePath(field.get("derivation")),
        inputs: field.get("inputs").items().map(storePath),
      };
    case "quarantine":
    case "certificate":
      return { kind, uploader: readActor(field.get("uploader")) };
    case "unknown":
      return { kind };
    default:
      throw field.get("kind").wrong("a known origin");
  }
}

function actorJson({ member, key, serial }: Actor): Json {
  return { key, member, serial: serial === null ? null : String(serial) };
}

function optionalActor(actor: Actor | null): Json {
  return actor === null ? null : actorJson(actor);
}

function readActor(field: Field): Actor {
  const serial = field.get("serial");
  return {
    member: field.get("member").string(),
    key: field.get("key").string(),
    serial: serial.isNull ? null : BigInt(decimal(serial)),
  };
}

function readOptionalActor(field: Field): Actor | null {
  return field.isNull ? null : readActor(field);
}

function decimal(field: Field): string {
  const text = field.string();
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text)) throw field.wrong("a serial number");
  return text;
}

function digest(field: Field): string {
  const text = field.string();
  if (!/^[0-9a-f]{64}$/.test(text)) throw field.wrong("a SHA-256 in hex");
  return text;
}

/** Of any store: which one this host has, the gate has checked before it wrote. */
export function storePath(field: Field): StorePath {
  return field.parsed((text) => parseStorePath(text, anyStore));
}
