/** Which of the gate's rules a path falls under. Pure. */
import { sameBytes } from "../../core/bytes.ts";
import { NixsealError } from "../../core/errors.ts";
import { contentAddressedPath, formatContentAddress } from "../../nix/content-address.ts";
import { typedNix32 } from "../../nix/hash.ts";
import { verifyNarInfo } from "../../nix/narinfo.ts";
import type { PathInfo } from "../../nix/path-info.ts";
import type { PublicKey } from "../../nix/signing-key.ts";
import { nameOf, storeDirectoryOf } from "../../nix/store-path.ts";
import { claimOf } from "../../trust/warrant/closure.ts";
import type { WarrantedPath, WarrantedPaths } from "../warranted.ts";

export type Rule =
  /** A warrant names it, and every field is equal. */
  | { readonly rule: "warranted"; readonly warranted: WarrantedPath }
  /** A warrant names it with something else. */
  | { readonly rule: "differs"; readonly reason: string }
  /** A binary cache that the host's configuration names signed exactly this. */
  | { readonly rule: "upstream" }
  /** Its path follows from its content. */
  | { readonly rule: "content-addressed" }
  /** Somebody must answer for it. */
  | { readonly rule: "other" };

export function ruleFor(
  info: PathInfo,
  warranted: Pick<WarrantedPaths, "get"> | null,
  upstream: readonly PublicKey[],
): Rule {
  const named = warranted?.get(info.path) ?? null;
  // Before the others: an upstream signature must not bring in what the warrant does not mean.
  if (named !== null) {
    const reason = difference(info, named);
    return reason === null ? { rule: "warranted", warranted: named } : { rule: "differs", reason };
  }
  if (isSignedBy(info, upstream)) return { rule: "upstream" };
  return isContentAddressed(info) ? { rule: "content-addressed" } : { rule: "other" };
}

/** Whether one of the keys has signed exactly this path, hash, size and references. */
export function isSignedBy(info: PathInfo, keys: readonly PublicKey[]): boolean {
  return verifyNarInfo(info, keys).some(({ valid }) => valid);
}

/**
 * Whether the path follows from the address and the references that it comes with, by SHA-256. Where the address is the archive's own
 * hash, that is compared too; for a single file, and for content with its own path in it, Nix compares when it has unpacked it.
 */
export function isContentAddressed(info: PathInfo): boolean {
  const { path, contentAddress, references, narHash } = info;
  if (contentAddress === null) return false;
  const others = references.filter((reference) => reference !== path);
  const self = others.length < references.length;
  try {
    const expected = contentAddressedPath(
      nameOf(path),
      contentAddress,
      { others, self },
      storeDirectoryOf(path),
    );
    if (expected !== path) return false;
  } catch (error) {
    if (error instanceof NixsealError && error.code === "malformed") return false;
    throw error;
  }
  return contentAddress.method !== "nar" || self || sameBytes(contentAddress.hash.digest, narHash.digest);
}

/** The first field in which the upload is not what the warrant names; null when there is none. */
function difference(info: PathInfo, { path: named, envelope }: WarrantedPath): string | null {
  if (claimOf(info) === claimOf(named)) return null;
  const pairs: readonly (readonly [string, string, string])[] = [
    ["content", typedNix32(info.narHash), typedNix32(named.narHash)],
    ["size", String(info.narSize), String(named.narSize)],
    ["content address", addressOf(info), addressOf(named)],
  ];
  const warrant = `warrant ${envelope.warrant.seq} (${envelope.digest.slice(0, 12)})`;
  const found = pairs.find(([, sent, wanted]) => sent !== wanted);
  if (found === undefined) return `its references are not those that ${warrant} names`;
  const [field, sent, wanted] = found;
  return `its ${field} is ${sent}, but ${warrant} names ${wanted}`;
}

function addressOf({ contentAddress }: Pick<PathInfo, "contentAddress">): string {
  return contentAddress === null ? "none" : formatContentAddress(contentAddress);
}
