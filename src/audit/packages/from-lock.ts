/** flake.lock: which revisions of nixpkgs a flake is built from. Nothing else is known of its packages. */
import { document, optionalText } from "../advisories/fields.ts";

export interface LockedNixpkgs {
  /** The node's name in the file. */
  readonly node: string;
  /** 40 hex digits; the empty string where the lock names none. */
  readonly revision: string;
}

/** A channel's tarball, and a mirror's. */
const nixpkgsUrl =
  /[/:]nixpkgs(?:\.git)?$|[/:]nixpkgs\/archive\/|^https:\/\/(?:channels|releases)\.nixos\.org\/|^https:\/\/(?:api\.)?flakehub\.com\/f\/(?:pinned\/)?[^/]+\/nixpkgs/i;

/**
 * Nodes that are locked to nixpkgs, forks of it included: these are on no channel, and that is an answer too. Throws
 * `malformed`.
 */
export function nixpkgsOfLock(bytes: Uint8Array): LockedNixpkgs[] {
  const top = document(bytes, "flake.lock", 16 << 20);
  const { value } = top.get("version");
  if (value !== 5 && value !== 6 && value !== 7) throw top.get("version").wrong("5, 6 or 7");
  return top
    .get("nodes")
    .entries()
    .slice(0, 10_000)
    .flatMap(([node, field]) => {
      const locked = field.get("locked");
      if (locked.isNull) return [];
      const repository = optionalText(locked.get("repo"), 256).toLowerCase();
      if (repository !== "nixpkgs" && !nixpkgsUrl.test(optionalText(locked.get("url"), 2048))) return [];
      const revision = optionalText(locked.get("rev"), 256);
      return [{ node, revision: /^[0-9a-f]{40}$/.test(revision) ? revision : "" }];
    });
}
